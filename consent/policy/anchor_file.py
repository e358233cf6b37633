"""How anchors are written down: their chains' lengths in the database, and files to keep elsewhere.

A file is text: a JSON object that states the anchor, then (unless only the root is wanted) one JSON array
``[contact, entries, head in hex]`` a line. It compresses to some 38 bytes a chain, nearly all of it the hash.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from app.core.errors import InvalidInput
from consent.policy.anchoring import Anchor, Leaf
from consent.policy.merkle import Tree

FORMAT = "permesso-ledger-anchor-1"
_STEP = struct.Struct("<qI")  # how far the contact's id lies beyond the one before, and the length
_PIECE = _STEP.size * 8192


class Lengths:
    """Compresses the lengths of chains, given in the order of their contacts: a few bits a chain."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj()
        self._pieces: list[bytes] = []
        self._last = 0

    def add(self, contact_id: int, length: int) -> None:
        """Append a chain."""
        self._pieces.append(self._packer.compress(_STEP.pack(contact_id - self._last, length)))
        self._last = contact_id

    def packed(self) -> bytes:
        """Return all of them; nothing can be added afterwards."""
        return b"".join([*self._pieces, self._packer.flush()])


def lengths(packed: bytes) -> Iterator[Leaf]:
    """Return the chains that ``Lengths`` has packed, as leaves without heads. Raises ``InvalidInput``."""
    unpacker, contact_id, rest = zlib.decompressobj(), 0, packed
    try:
        while piece := unpacker.decompress(rest, _PIECE):
            rest = unpacker.unconsumed_tail
            for step, length in _STEP.iter_unpack(piece):
                contact_id += step
                yield Leaf(contact_id, length, None)
    except (zlib.error, struct.error):
        raise InvalidInput("The lengths of the chains that the anchor keeps cannot be read.") from None


def stated(anchor: Anchor) -> dict[str, object]:
    """Return an anchor as JSON states it; digests in hex."""
    return {
        "format": FORMAT,
        "number": anchor.number,
        "made_at": anchor.made_at.isoformat(),
        "chains": anchor.chains,
        "entries": anchor.entries,
        "root": anchor.root.hex(),
        "previous": anchor.previous.hex(),
        "seal": anchor.seal.hex(),
    }


def lines(anchor: Anchor, leaves: Iterable[tuple[int, int, bytes]]) -> Iterator[str]:
    """Return the lines of a file; without ``leaves`` (contact, entries, head) it states the root alone."""
    yield json.dumps(stated(anchor)) + "\n"
    for contact_id, length, head in leaves:
        yield f'[{contact_id},{length},"{head.hex()}"]\n'


def read_anchor(line: str) -> Anchor:
    """Return the anchor that a file's first line states. Raises ``InvalidInput``."""
    try:
        given = json.loads(line)
        if given["format"] != FORMAT:
            raise ValueError
        root, previous = bytes.fromhex(given["root"]), bytes.fromhex(given["previous"])
        number, chains, entries = (int(given[name]) for name in ("number", "chains", "entries"))
        found = Anchor(number, datetime.fromisoformat(given["made_at"]), chains, entries, root, previous)
        sealed = found.seal.hex() == given["seal"]
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(f"This is no anchor: the file must begin with an object of the format {FORMAT}.") from None
    if not sealed:
        raise InvalidInput("The anchor's file was changed: its seal does not fit what it states.")
    return found


def read_leaves(text: Iterable[str]) -> Iterator[Leaf]:
    """Return the leaves of a file's other lines. Raises ``InvalidInput`` with the number of the line."""
    for number, line in enumerate(text, 2):
        try:
            contact_id, length, head = json.loads(line)
            yield Leaf(int(contact_id), int(length), bytes.fromhex(head))
        except (ValueError, TypeError):
            raise InvalidInput(f"Line {number} of the anchor's file is no [contact, entries, head].") from None


def has_leaves(anchor: Anchor, leaves: Iterable[Leaf]) -> bool:
    """Return whether a file holds the leaves, having checked that they give the root; False for the root alone.

    Raises ``InvalidInput`` for leaves that are not those of the anchor.
    """
    rest = iter(leaves)
    first = next(rest, None)
    if first is None:
        return False
    tree = Tree()
    for leaf in chain([first], rest):
        tree.add(leaf.data(leaf.head or b""))
    if tree.root() != anchor.root:
        raise InvalidInput("The anchor's file was changed: its leaves do not give its root.")
    return True
