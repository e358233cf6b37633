"""Making anchors of the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from consent.errors import LedgerBroken
from consent.models import LedgerAnchor
from consent.policy.anchor_file import Lengths
from consent.policy.anchoring import NO_ANCHOR, Anchor, Leaf
from consent.policy.merkle import Tree
from consent.queries import anchors

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('consent.anchor'))"


def make(session: Session) -> Anchor:
    """Anchor the ledger as it is at this moment and return the anchor.

    Raises ``LedgerBroken`` when the ledger lacks a chain or an entry that the last anchor knows: an anchor over
    less than there was would hide that.
    """
    session.execute(text(_LOCK))
    last = anchors.latest(session)
    known = anchors.leaves(session, last.number) if last else iter(())
    tree, lengths, chains, entries, made_at = Tree(), Lengths(), 0, 0, clock.now()
    for contact_id, length, head in _grown(anchors.heads(session), known):
        tree.add(Leaf(contact_id, length, head).data(head))
        lengths.add(contact_id, length)
        chains += 1
        entries += length
    number, previous = (last.number + 1, last.seal) if last else (1, NO_ANCHOR)
    made = Anchor(number, made_at, chains, entries, tree.root(), previous)
    stated = {name: getattr(made, name) for name in ("number", "made_at", "chains", "entries", "root", "previous")}
    session.add(LedgerAnchor(**stated, seal=made.seal, lengths=lengths.packed()))
    session.flush()
    return made


def make_daily(session: Session) -> Anchor | None:
    """Make an anchor unless today (UTC) has one already. Raises ``LedgerBroken``."""
    last = anchors.latest(session)
    today = last is not None and last.made_at.date() >= clock.now().date()
    return None if today else make(session)


def _grown(heads: Iterator[tuple[int, int, bytes]], known: Iterator[Leaf]) -> Iterator[tuple[int, int, bytes]]:
    """Return ``heads``, having seen that every chain that is ``known`` is among them and has not become shorter."""
    due = next(known, None)
    for head in heads:
        if due is not None and due.contact_id <= head[0]:
            if due.contact_id < head[0] or head[1] < due.length:
                raise _lost(due)
            due = next(known, None)
        yield head
    if due is not None:
        raise _lost(due)


def _lost(leaf: Leaf) -> LedgerBroken:
    return LedgerBroken(
        f"The ledger has lost entries of contact {leaf.contact_id}, of whom the last anchor knows {leaf.length}:"
        " no anchor is made. `flask consent verify` says more."
    )
