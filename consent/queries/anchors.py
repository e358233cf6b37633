"""The anchors that were made, and the heads of all chains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import islice

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from consent.models import LedgerAnchor
from consent.policy import anchor_file
from consent.policy.anchoring import NO_ANCHOR, Anchor, Check, Leaf

_PIECE = 10_000
_HEADS = """
SELECT DISTINCT ON (contact_id) contact_id, seq, hash FROM permission_event ORDER BY contact_id, seq DESC
"""
_HEADS_THEN = """
SELECT anchored.contact_id, anchored.length, event.hash
FROM unnest(CAST(:people AS bigint[]), CAST(:lengths AS int[])) WITH ORDINALITY anchored (contact_id, length, place)
LEFT JOIN permission_event event ON event.contact_id = anchored.contact_id AND event.seq = anchored.length
ORDER BY anchored.place
"""


_STATED = tuple(getattr(LedgerAnchor, field.name) for field in fields(Anchor))


def heads(session: Session) -> Iterator[tuple[int, int, bytes]]:
    """Return (contact id, number of entries, hash of the last) of every chain, by contact, as of one moment."""
    for row in session.execute(text(_HEADS), execution_options={"yield_per": _PIECE}):
        yield row.contact_id, row.seq, row.hash


def latest(session: Session) -> Anchor | None:
    """Return the newest anchor."""
    row = session.execute(select(*_STATED).order_by(LedgerAnchor.number.desc()).limit(1)).one_or_none()
    return None if row is None else Anchor(*row)


def anchor(session: Session, number: int) -> Anchor:
    """Return an anchor. Raises ``NotFound``."""
    row = session.execute(select(*_STATED).where(LedgerAnchor.number == number)).one_or_none()
    if row is None:
        raise NotFound(f"There is no anchor {number}.")
    return Anchor(*row)


def leaves(session: Session, number: int) -> Iterator[Leaf]:
    """Return the chains that an anchor knows, with their lengths. Raises ``NotFound``."""
    packed = session.scalar(select(LedgerAnchor.lengths).where(LedgerAnchor.number == number))
    if packed is None:
        raise NotFound(f"There is no anchor {number}.")
    return anchor_file.lengths(packed)


def leaves_with_heads(session: Session, number: int) -> Iterator[tuple[int, int, bytes]]:
    """Return the same with the hashes that stood last, read from the ledger; empty where the ledger lacks the entry."""
    known = leaves(session, number)
    while some := list(islice(known, _PIECE)):
        values = {"people": [leaf.contact_id for leaf in some], "lengths": [leaf.length for leaf in some]}
        for contact_id, length, head in session.execute(text(_HEADS_THEN), values):
            yield contact_id, length, head or b""


def check(session: Session, number: int) -> Check:
    """Return a check against an anchor as the database keeps it. Raises ``NotFound``."""
    return Check(leaves(session, number), anchor(session, number))


def broken_row(session: Session) -> tuple[int, str] | None:
    """Return the number of the first anchor that does not follow from the one before it, and what is wrong."""
    previous, expected = NO_ANCHOR, 1
    for row in session.execute(select(*_STATED, LedgerAnchor.seal).order_by(LedgerAnchor.number)):
        found = Anchor(*row[:-1])
        if found.number != expected:
            return expected, "the anchor is missing"
        if found.previous != previous or found.seal != row.seal:
            return expected, "the anchor was changed"
        previous, expected = found.seal, expected + 1
    return None
