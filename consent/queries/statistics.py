"""Permission over time, as pages and commands read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from consent.models import Form, PermissionDay, PermissionFold
from consent.policy.statistics import By, Moves, Period, periods

_COUNTS = [getattr(PermissionDay, each.name) for each in fields(Moves)]


class Part(StrEnum):
    """By what the list can be split."""

    LEVEL = "level"
    BASIS = "basis"
    FORM = "form_id"


@dataclass(frozen=True)
class Statistics:
    """A topic, or several together, over a span. ``whole`` is the span as one period; ``parts`` splits it."""

    periods: list[Period]
    whole: Period
    parts: dict[Part, dict[str, Period]]

    def to_json(self) -> dict[str, object]:
        """Return it as ``flask consent statistics`` prints it."""
        return {
            "whole": self.whole.to_json(),
            "periods": [period.to_json() for period in self.periods],
            **{
                f"by_{part.value.removesuffix('_id')}": {name: period.to_json() for name, period in split.items()}
                for part, split in self.parts.items()
            },
        }


def statistics(session: Session, topic_ids: Sequence[int], first: date, last: date, by: By) -> Statistics:
    """Return what happened to the permissions of some topics from ``first`` to ``last``, both days included.

    Days are those of each topic's brand.
    """
    day = PermissionDay.day
    sums = [func.coalesce(func.sum(count), 0) for count in _COUNTS]
    chosen = PermissionDay.topic_id.in_(list(topic_ids))
    before = session.execute(select(*sums).where(chosen, day < first)).one()
    start = Moves(*(int(count) for count in before)).net
    rows = session.execute(select(day, *sums).where(chosen, day.between(first, last)).group_by(day).order_by(day))
    days = {row[0]: Moves(*(int(count) for count in row[1:])) for row in rows}
    whole = Moves()
    for moves in days.values():
        whole += moves
    parts = {part: _split(session, topic_ids, first, last, part) for part in Part}
    return Statistics(periods(start, days, first, last, by), Period(first, start, whole), parts)


def _split(session: Session, topic_ids: Sequence[int], first: date, last: date, part: Part) -> dict[str, Period]:
    """Return each part of the list that held somebody in the span, the largest first; forms by their names."""
    column = getattr(PermissionDay, part.value)
    chosen = [PermissionDay.topic_id.in_(list(topic_ids)), PermissionDay.day <= last]
    inside = PermissionDay.day >= first
    before = [func.sum(count).filter(~inside) for count in _COUNTS]
    during = [func.sum(count).filter(inside) for count in _COUNTS]
    rows = session.execute(select(column, *before, *during).where(*chosen).group_by(column))
    names = _form_names(session) if part is Part.FORM else {}
    size = len(_COUNTS)
    found = {}
    for key, *counts in rows:
        numbers = [int(count or 0) for count in counts]
        made = Period(first, Moves(*numbers[:size]).net, Moves(*numbers[size:]))
        if made.start or made.moves != Moves():
            found[names.get(key, "") if part is Part.FORM else str(key)] = made
    return dict(sorted(found.items(), key=lambda item: -item[1].end))


def _form_names(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(select(Form.id, Form.name))}


def first_day(session: Session) -> date | None:
    """Return the day of the first permission that was ever given, or None."""
    return session.scalar(select(func.min(PermissionDay.day)))


def folded_at(session: Session) -> datetime | None:
    """Return when the figures were folded, or None before the first time."""
    return session.scalar(select(PermissionFold.folded_at))
