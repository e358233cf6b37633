"""Asking a segment: who is in it, how many, some of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask_babel import gettext as _
from psycopg.errors import QueryCanceled
from sqlalchemy import ColumnElement, Select, and_, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core.errors import InvalidInput
from app.customers.queries.contacts import ContactInfo, contact_table, several
from campaigns.queries.segments.condition import Context
from campaigns.queries.segments.tree import where


def compile(session: Session, definition: object, segment_id: int | None = None) -> Select[int]:
    """Return one SELECT of ``contact_id`` with bound parameters. Erased people are in no segment, merged ones
    once. ``segment_id`` is the stored segment whose definition this is, if it is one.

    Raises ``SegmentError`` naming the condition that cannot be understood, and why.
    """
    contact = contact_table()
    test = where(definition, Context.of(session, segment_id=segment_id))
    return select(contact.c.id.label("contact_id")).where(present(), test)


def present() -> ColumnElement[bool]:
    """Return the test that a contact is somebody: neither erased nor merged into another, who stands for both."""
    contact = contact_table().c
    return and_(contact.erased_at.is_(None), contact.merged_into.is_(None))


def count(session: Session, definition: object, segment_id: int | None = None) -> int:
    """Return how many people are in a segment. Raises ``SegmentError``."""
    members = compile(session, definition, segment_id)
    roomy(session)
    return session.scalar(members.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def roomy(session: Session) -> None:
    """Give the statements of this transaction memory enough to hash a million people, and no compiling (JIT), which
    would take longer than it saves."""
    session.execute(text("SELECT set_config('work_mem', '96MB', true), set_config('jit', 'off', true)"))


def sample(session: Session, definition: object, size: int = 10, segment_id: int | None = None) -> list[ContactInfo]:
    """Return some members of a segment, the newest first. Raises ``SegmentError``."""
    members = compile(session, definition, segment_id)
    ids = session.scalars(members.order_by(contact_table().c.id.desc()).limit(size))
    return several(session, list(ids))


@dataclass(frozen=True)
class Look:
    """What the builder shows beside a segment: its size, some members, and the milliseconds that counting took."""

    count: int
    people: list[ContactInfo]
    ms: float


def look(session: Session, definition: object, *, segment_id: int | None = None) -> Look:
    """Count a segment and pick some members, within bounds. Raises ``SegmentError``, ``InvalidInput``."""
    with bounded(session):
        began = time.perf_counter()
        found = count(session, definition, segment_id)
        took = (time.perf_counter() - began) * 1000
        return Look(found, sample(session, definition, segment_id=segment_id) if found else [], took)


@contextmanager
def bounded(session: Session, seconds: int = 15) -> Iterator[None]:
    """Give up what takes longer than ``seconds``, so that no page waits for ever. Raises ``InvalidInput`` then."""
    session.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": f"{seconds}s"})
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled):
            raise InvalidInput(_("Counting takes longer than %(n)d seconds: it was given up.", n=seconds)) from None
        raise


def joined(include: Sequence[object], exclude: Sequence[object]) -> dict[str, object]:
    """Return the definition of who is in one of ``include`` and in none of ``exclude``."""
    return {"all": [{"any": list(include)}, {"none": list(exclude)}]}
