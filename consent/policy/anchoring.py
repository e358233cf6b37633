"""Anchors: what the whole ledger was on a day, in 32 bytes, and the check of a ledger against one.

The leaves of an anchor are the chains, ordered by contact: ``contact_id`` (8 bytes, big-endian), number of entries
(4 bytes), hash of the last entry. Its root is that of their Merkle tree (``merkle``), its *seal* a hash over root,
sizes, time and the previous anchor's seal, so that whoever keeps one seal can check every anchor up to it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from consent.policy.chain import FIRST, microseconds
from consent.policy.merkle import Tree

VERSION = "1"
NO_ANCHOR = FIRST  # what stands for the seal before the first anchor
_SHAPE = struct.Struct(">qI")


@dataclass(frozen=True)
class Leaf:
    """A chain as it was anchored; ``head`` is None where only the length was kept."""

    contact_id: int
    length: int
    head: bytes | None

    def data(self, head: bytes) -> bytes:
        """Return the bytes of the leaf, with ``head`` as the hash of its last entry."""
        return _SHAPE.pack(self.contact_id, self.length) + head


@dataclass(frozen=True)
class Anchor:
    """One anchor. ``number`` counts from 1 without gaps; ``previous`` is the seal of the one before."""

    number: int
    made_at: datetime
    chains: int
    entries: int
    root: bytes
    previous: bytes

    @property
    def seal(self) -> bytes:
        """Return SHA-256 over everything the anchor says."""
        numbers = (self.number, microseconds(self.made_at), self.chains, self.entries)
        parts = [VERSION, *map(str, numbers), self.root.hex(), self.previous.hex()]
        return hashlib.sha256("|".join(parts).encode()).digest()


@dataclass(frozen=True)
class Finding:
    """Something about one chain; ``contact_id`` None where it cannot be told which."""

    contact_id: int | None
    seq: int | None
    what: str


class Check:
    """Holds a walk over all chains, ordered by contact, against the leaves of an anchor."""

    def __init__(self, leaves: Iterable[Leaf], anchor: Anchor) -> None:
        self._leaves: Iterator[Leaf] = iter(leaves)
        self._next = next(self._leaves, None)
        self._anchor = anchor
        self._tree = Tree()

    def meet(self, contact_id: int, hashes: Sequence[bytes]) -> Finding | None:
        """Take the next chain, by the hashes of its entries; return what is wrong with it or with one before it."""
        due = self._next
        if due is None or due.contact_id > contact_id:
            return None  # a chain that began after the anchor
        if due.contact_id < contact_id:
            return _vanished(due)
        self._next = next(self._leaves, None)
        if len(hashes) < due.length:
            what = f"the chain's tail was cut: {due.length} entries were anchored, {len(hashes)} are here"
            return Finding(contact_id, len(hashes), what)
        found = hashes[due.length - 1]
        if due.head is not None and due.head != found:
            return Finding(contact_id, due.length, "the entry is not the one that was anchored")
        self._tree.add(due.data(found))
        return None

    def end(self) -> Finding | None:
        """Say what is wrong once every chain was met."""
        if self._next is not None:
            return _vanished(self._next)
        if self._tree.root() == self._anchor.root:
            return None
        what = f"some chain is not what anchor {self._anchor.number} holds; a file with its leaves tells which"
        return Finding(None, None, what)


def _vanished(leaf: Leaf) -> Finding:
    return Finding(leaf.contact_id, 1, f"the chain vanished: {leaf.length} entries were anchored, none is here")
