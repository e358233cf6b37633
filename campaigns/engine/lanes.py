"""Taking turns between the lanes of a relay, so that no mailbox provider waits for another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from campaigns.services.claim import LaneWork


@dataclass(slots=True)
class Turn:
    """A lane and how far it has been claimed: ``after`` None looks for deferred messages, else for queued ones of
    contacts behind ``after``. Going on from there spares the index entries of those that were claimed before."""

    lane: int
    after: int | None


class Turns:
    """The lanes of one run. A lane that has nothing more leaves it."""

    def __init__(self, lanes: Iterable[LaneWork]) -> None:
        self._waiting = deque(Turn(lane.id, None if lane.due else 0) for lane in lanes)

    @property
    def current(self) -> Turn | None:
        """The lane to claim from, or None when all are empty."""
        return self._waiting[0] if self._waiting else None

    def took(self, turn: Turn, last: int | None) -> None:
        """Note what a claim of the current lane looked at: up to contact ``last``, or nothing."""
        if last is not None:
            if turn.after is not None:
                turn.after = last
            self._waiting.rotate(-1)
        elif turn.after is None:
            turn.after = 0
        else:
            self._waiting.popleft()
