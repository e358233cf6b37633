"""How many hits of one message are recorded: who calls the same link over and over must not keep the folder busy,
which judges all events of a message together."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from datetime import date

from tracking.policy.hits import Hit

MOST = 10_000  # a day; a mail that was forwarded to thousands stays below it
_CELLS = 1 << 20  # of four bytes; messages that share one share its bound


class Flood:
    """Counts the hits of each message of one day. Campaign-wide links belong to nobody and have no bound."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._day = most, date.min
        self._counts = array("I")

    def within(self, hits: Iterable[Hit], today: date) -> list[Hit]:
        """Return the hits within the bound. They count once they are given to ``note``, behind the commit."""
        if today != self._day:
            self._day, self._counts = today, array("I", bytes(4 * _CELLS))
        fresh: Counter[int] = Counter()
        kept = []
        for hit in hits:
            cell = _cell(hit)
            fresh[cell] += 1
            if not hit.contact_id or self._counts[cell] + fresh[cell] <= self._most:
                kept.append(hit)
        return kept

    def note(self, hits: Iterable[Hit]) -> None:
        """Count hits that were recorded."""
        for hit in hits:
            if hit.contact_id:
                self._counts[_cell(hit)] += 1


def _cell(hit: Hit) -> int:
    return hash((hit.campaign_id, hit.contact_id)) % _CELLS
