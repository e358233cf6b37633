"""Scans of paper lists after an erasure: whose line is to be covered, and what is kept in the scan's place.

A scan shows several people and proves for each of the others, so no machine deletes it when one of them is erased:
staff cover the line on it, by its place on the list, for nobody can know any more whose it was.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from consent.models import PaperList
from consent.queries.paper import lines_of


def note_erased(session: Session, contact_id: int, keys: list[bytes]) -> None:
    """Note which lines of which lists somebody signed who is being forgotten; before their evidence goes.

    A list whose scan is deleted shows nobody.
    """
    lines = lines_of(session, contact_id, keys)
    for list_id in sorted({number for number, _line in lines}):
        row = session.get(PaperList, list_id, with_for_update=True)
        if row is not None and (row.covered_at is None or row.covered_sha256 is not None):
            row.to_cover = sorted({*row.to_cover, *(line for number, line in lines if number == list_id)})
    session.flush()


def replace(session: Session, list_id: int, *, sha256: str, media_type: str, size: int) -> str:
    """Keep another scan, on which the lines are covered, in place of the one kept; return the digest of that one.

    Raises ``InvalidInput`` (field ``scan``) when it is the same file, ``NotFound``.
    """
    row = _locked(session, list_id)
    before, digest = _kept(row), bytes.fromhex(sha256)
    if before == digest:
        raise InvalidInput(_("This is the scan that is kept already. Cover the lines on a copy first."), field="scan")
    row.covered_sha256, row.covered_at, row.to_cover = digest, clock.now(), []
    row.scan_type, row.scan_size = media_type, size
    session.flush()
    return before.hex()


def delete(session: Session, list_id: int) -> str:
    """Keep no scan of a list any more; return the digest of the one that was kept, blank when there was none."""
    row = _locked(session, list_id)
    before = _kept(row)
    row.covered_sha256, row.covered_at, row.to_cover, row.scan_size = None, clock.now(), [], 0
    session.flush()
    return before.hex()


def _locked(session: Session, list_id: int) -> PaperList:
    row = session.scalar(select(PaperList).where(PaperList.id == list_id).with_for_update())
    if row is None:
        raise NotFound(_("There is no paper list %(id)s.", id=list_id))
    return row


def _kept(row: PaperList) -> bytes:
    return row.scan_sha256 if row.covered_at is None else row.covered_sha256 or b""
