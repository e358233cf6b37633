"""Permission over time: what a list gained and lost, and its rates as METRICS defines them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from enum import StrEnum


class By(StrEnum):
    """How long a period is. Weeks begin on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def begins(self, day: date) -> date:
        """Return the first day of the period that ``day`` is in."""
        if self is By.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is By.MONTH else day

    def following(self, begin: date) -> date:
        """Return the first day of the period after the one that begins at ``begin``."""
        if self is By.MONTH:
            return (begin + timedelta(days=31)).replace(day=1)
        return begin + timedelta(days=7 if self is By.WEEK else 1)


@dataclass(frozen=True)
class Moves:
    """What happened to permissions: given (again), and lost by each way. ``moved_in`` and ``moved_out`` are people who
    changed level, basis or form and stayed; over all of these they cancel out."""

    gained: int = 0
    withdrawn: int = 0
    expired: int = 0
    objected: int = 0
    complained: int = 0
    purged: int = 0
    moved_in: int = 0
    moved_out: int = 0

    @property
    def lost(self) -> int:
        """All that were lost."""
        return self.withdrawn + self.expired + self.objected + self.complained + self.purged

    @property
    def net(self) -> int:
        """By how many the standing changed."""
        return self.gained + self.moved_in - self.lost - self.moved_out

    def __add__(self, other: Moves) -> Moves:
        return Moves(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True)
class Rate:
    """A share with what it was made of; without a denominator it is None, never 0."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.numerator / self.denominator if self.denominator else None

    def to_json(self) -> dict[str, object]:
        """Return it as commands print it."""
        return {
            "value": None if self.value is None else round(self.value, 6),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "denominator_name": "start",
        }


@dataclass(frozen=True)
class Period:
    """One period, or one part of the list over the whole span: how many at its start, and what happened."""

    begin: date
    start: int
    moves: Moves = field(default_factory=Moves)

    @property
    def end(self) -> int:
        """How many at its end."""
        return self.start + self.moves.net

    @property
    def list_growth_rate(self) -> Rate:
        """(gained − lost) ÷ start (METRICS); moves within the list do not count."""
        return Rate(self.moves.gained - self.moves.lost, self.start)

    @property
    def churn_rate(self) -> Rate:
        """lost ÷ start (METRICS)."""
        return Rate(self.moves.lost, self.start)

    def to_json(self) -> dict[str, object]:
        """Return it as ``flask consent statistics`` prints it."""
        return {
            "begin": self.begin.isoformat(),
            "start": self.start,
            **vars(self.moves),
            "lost": self.moves.lost,
            "end": self.end,
            "list_growth_rate": self.list_growth_rate.to_json(),
            "churn_rate": self.churn_rate.to_json(),
        }


def periods(start: int, days: Mapping[date, Moves], first: date, last: date, by: By) -> list[Period]:
    """Return the periods from ``first`` to ``last``, both days included; the outer ones may be cut.

    ``start`` is how many permitted before ``first``; ``days`` what happened on each day.
    """
    found = []
    for begin, end in _spans(first, last, by):
        moves = _sum(moves for day, moves in days.items() if begin <= day < end)
        found.append(Period(begin, start, moves))
        start = found[-1].end
    return found


def _spans(first: date, last: date, by: By) -> Iterator[tuple[date, date]]:
    begin, over = first, last + timedelta(days=1)
    while begin < over:
        end = min(by.following(by.begins(begin)), over)
        yield begin, end
        begin = end


def _sum(all_moves: Iterable[Moves]) -> Moves:
    total = Moves()
    for moves in all_moves:
        total += moves
    return total
