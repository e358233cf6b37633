"""Lists of people: taking a snapshot of a segment, taking in an upload, throwing away."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock
from app.core.errors import Conflict, InvalidInput
from app.customers.policy import normalise
from campaigns.models import PeopleList, PeopleListMember, Segment
from campaigns.queries import lists as queries
from campaigns.queries import segments as segment_queries

MAX_NAME = 120
MAX_BYTES = 64 * 1024 * 1024
_MAX_CELL = 1_000


@dataclass(frozen=True)
class Taken:
    """What became of an upload: the list, how many people are on it, and how many lines named nobody in the base."""

    list_id: int
    people: int
    unknown: int


def snapshot(session: Session, segment_id: int, name: str, staff_id: int | None = None) -> int:
    """Write down who is in a segment now, and return the list's id. It stays what it is whatever becomes of the
    segment. Raises ``NotFound``, ``SegmentError``, and ``InvalidInput`` or ``Conflict`` for the name."""
    segment = segment_queries.segment(session, segment_id)
    row = PeopleList(name=_free_name(session, name), kind="snapshot", segment_id=segment_id, created_by=staff_id)
    session.add(row)
    session.flush()
    members = segment_queries.compile(session, segment.definition, segment_id).subquery("members")
    segment_queries.roomy(session)
    session.execute(
        insert(PeopleListMember).from_select(["list_id", "contact_id"], select(literal(row.id), members.c.contact_id))
    )
    return _counted(session, row)


def upload(session: Session, content: bytes, name: str, staff_id: int | None = None) -> Taken:
    """Make a list of the people whom a file names: one address a line, or a CSV or TSV with a column of addresses.

    Nobody is added to the base: an address that nobody there has is counted as unknown. The same address twice counts
    once. Raises ``InvalidInput`` when the file cannot be read or holds no address, ``Conflict`` for the name.
    """
    keys, wrong = _addresses(_text(content))
    if not keys:
        raise InvalidInput(_("The file holds no e-mail address: put one on each line, or in a column of a CSV file."))
    row = PeopleList(name=_free_name(session, name), kind="upload", created_by=staff_id)
    session.add(row)
    session.flush()
    found = queries.named(session, keys)
    if found:
        session.execute(insert(PeopleListMember), [{"list_id": row.id, "contact_id": one} for one in found])
    row.unknown = len(keys) - len(found) + wrong
    return Taken(_counted(session, row), len(found), row.unknown)


def throw_away(session: Session, list_id: int) -> None:
    """Delete a list. Raises ``NotFound``, and ``Conflict`` naming a segment that asks for it."""
    queries.people_list(session, list_id)
    for segment in session.scalars(select(Segment).order_by(Segment.id)):
        if _asks_for(segment.definition, list_id):
            raise Conflict(
                _("The segment “%(name)s” asks for this list: take the condition out of it first.", name=segment.name)
            )
    session.execute(delete(PeopleList).where(PeopleList.id == list_id))
    audit.record(session, "deleted", "people_list", list_id)


def _counted(session: Session, row: PeopleList) -> int:
    row.people = session.scalar(select(func.count()).where(PeopleListMember.list_id == row.id)) or 0
    row.created_at = clock.now()
    session.flush()
    audit.record(session, "created", "people_list", row.id)
    return row.id


def _asks_for(node: object, list_id: int) -> bool:
    if isinstance(node, dict):
        return node.get("list") == list_id or any(_asks_for(inner, list_id) for inner in node.values())
    return isinstance(node, list) and any(_asks_for(inner, list_id) for inner in node)


def _free_name(session: Session, name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > MAX_NAME or not clean.isprintable():
        raise InvalidInput(_("The list needs a name of at most %(max)d characters.", max=MAX_NAME), field="name")
    if session.scalar(select(PeopleList.id).where(PeopleList.name == clean)) is not None:
        raise Conflict(_("A list is called “%(name)s” already: choose another name.", name=clean))
    return clean


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise InvalidInput(_("The file is larger than %(max)d MB: cut it in two.", max=MAX_BYTES // 2**20))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _addresses(text: str) -> tuple[set[str], int]:
    """Return the normalised addresses, and how many lines hold something like an address that is none."""
    keys, wrong = set(), 0
    for cells in _rows(text):
        named = next((cell for cell in cells if "@" in cell), None)
        if named is None:
            continue
        try:
            keys.add(normalise(named).email_key)
        except InvalidInput:
            wrong += 1
    return keys, wrong


def _rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each line; quotation marks hold a cell together, but never across lines."""
    clean = text.replace("\x00", "")
    first = clean[:4096].partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    for line in io.StringIO(clean):
        if len(line) > 100 * _MAX_CELL:
            continue
        try:
            yield [cell.strip()[:_MAX_CELL] for cell in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error:
            yield [cell.strip(' "\r\n')[:_MAX_CELL] for cell in line.split(delimiter)]
