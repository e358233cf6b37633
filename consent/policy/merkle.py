"""The root of a Merkle tree as in RFC 6962, section 2.1, built leaf by leaf in logarithmic memory."""

from __future__ import annotations

import hashlib

_LEAF, _NODE = b"\x00", b"\x01"  # so that no node can be passed off as a leaf
EMPTY = hashlib.sha256().digest()


class Tree:
    """Takes leaves in order; ``root`` may be asked at any time."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []  # (leaves below, hash) of the perfect trees so far, largest first

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        size, found = 1, hashlib.sha256(_LEAF + leaf).digest()
        while self._peaks and self._peaks[-1][0] == size:
            found = hashlib.sha256(_NODE + self._peaks.pop()[1] + found).digest()
            size *= 2
        self._peaks.append((size, found))

    def root(self) -> bytes:
        """Return the root over the leaves so far."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1][1]
        for _, left in self._peaks[-2::-1]:
            found = hashlib.sha256(_NODE + left + found).digest()
        return found
