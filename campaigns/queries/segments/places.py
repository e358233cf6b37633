"""Where the values of a field stand, and the SQL that asks about them: columns of ``contact``, or typed JSON.

Nothing here casts, so a value of the wrong type never raises; it just does not fit. Equality in JSON is containment
(``@>``), which the GIN index on ``contact.attributes`` answers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, and_, case, false, func, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

# A short list of values is better asked one by one, because each is answered by the index.
_BY_INDEX = 10
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_LAST_DAY = date(9998, 12, 31)

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True)
class TextColumn:
    """A text column of ``contact``. In a ``folded`` one everything stands in lower case."""

    column: ColumnElement[Any]
    folded: bool = False

    def equals(self, value: str) -> ColumnElement[bool]:
        """The text is exactly ``value``."""
        return self.column == self._fold(value)

    def one_of(self, values: Sequence[str]) -> ColumnElement[bool]:
        """The text is one of ``values``."""
        return self.column.in_([self._fold(value) for value in values])

    def like(self, part: str, how: str) -> ColumnElement[bool]:
        """The text ``contains``, ``startswith`` or ``endswith`` ``part``, whatever the case."""
        return _like(self.column, part, how)

    def empty(self) -> ColumnElement[bool]:
        """There is no text."""
        return func.coalesce(self.column, "") == ""

    def _fold(self, value: str) -> str:
        return value.strip().lower() if self.folded else value


@dataclass(frozen=True)
class Moment:
    """A timestamp column of ``contact``, noted by us; its days are those of ``zone``, which is ours."""

    column: ColumnElement[Any]
    zone: ZoneInfo

    def span(self, first: date, last: date) -> ColumnElement[bool]:
        """It lies from the day ``first`` to the day ``last``, both included."""
        return and_(self.column >= self._midnight(first), self.column < self._midnight(last, 1))

    def before(self, day: date) -> ColumnElement[bool]:
        """It lies before that day."""
        return self.column < self._midnight(day)

    def after(self, day: date) -> ColumnElement[bool]:
        """It lies after that day."""
        return self.column >= self._midnight(day, 1)

    def anniversary(self, month_days: Sequence[str]) -> ColumnElement[bool]:
        """Its month and day are among ``month_days`` (``MM-DD``)."""
        return func.to_char(func.timezone(self.zone.key, self.column), "MM-DD").in_(month_days)

    def _midnight(self, day: date, later: int = 0) -> datetime:
        return datetime.combine(min(day, _LAST_DAY) + timedelta(days=later), time(), self.zone)

    def empty(self) -> ColumnElement[bool]:
        """There is no time."""
        return self.column.is_(None)


@dataclass(frozen=True)
class Attribute:
    """A declared field ``name`` in ``contact.attributes``."""

    attributes: ColumnElement[Any]
    name: str

    @property
    def raw(self) -> ColumnElement[Any]:
        """The JSON value, NULL when there is none."""
        return self.attributes.op("->", return_type=JSONB())(literal(self.name, Text()))

    @property
    def words(self) -> ColumnElement[Any]:
        """The value as text."""
        return self.attributes.op("->>", return_type=Text())(literal(self.name, Text()))

    def _typed(self, kind: str) -> ColumnElement[bool]:
        return func.jsonb_typeof(self.raw) == kind

    def _contains(self, value: object) -> ColumnElement[bool]:
        return self.attributes.op("@>", is_comparison=True)(literal({self.name: value}, JSONB()))

    def equals(self, value: object) -> ColumnElement[bool]:
        """The value is ``value``."""
        return self._contains(value)

    def one_of(self, values: Sequence[object]) -> ColumnElement[bool]:
        """The value is one of ``values``."""
        if len(values) <= _BY_INDEX:
            return or_(*(self._contains(value) for value in values))
        return self.raw.in_([literal(value, JSONB()) for value in values])

    def holds(self, value: str) -> ColumnElement[bool]:
        """``value`` is among the chosen ones."""
        return self._contains([value])

    def holds_one_of(self, values: Sequence[str]) -> ColumnElement[bool]:
        """One of ``values`` is among the chosen ones."""
        return or_(*(self._contains([value]) for value in values))

    def like(self, part: str, how: str) -> ColumnElement[bool]:
        """The text ``contains``, ``startswith`` or ``endswith`` ``part``, whatever the case."""
        return _guarded(self._typed("string"), _like(self.words, part, how))

    def compare(self, how: str, value: int | float) -> ColumnElement[bool]:
        """The number is greater than ``value`` (``gt``), at least it (``gte``), and so on."""
        return _guarded(self._typed("number"), COMPARE[how](self.raw, literal(value, JSONB())))

    def span(self, first: date, last: date) -> ColumnElement[bool]:
        """The day lies from ``first`` to ``last``, both included."""
        return _guarded(self._is_day, and_(self._day >= first.isoformat(), self._day <= last.isoformat()))

    def before(self, day: date) -> ColumnElement[bool]:
        """The day lies before ``day``."""
        return _guarded(self._is_day, self._day < day.isoformat())

    def after(self, day: date) -> ColumnElement[bool]:
        """The day lies after ``day``."""
        return _guarded(self._is_day, self._day > day.isoformat())

    def anniversary(self, month_days: Sequence[str]) -> ColumnElement[bool]:
        """Its month and day are among ``month_days`` (``MM-DD``)."""
        return _guarded(self._is_day, func.substr(self.words, 6, 5).in_(month_days))

    def empty(self) -> ColumnElement[bool]:
        """There is no value: none, null, a blank text or an empty list."""
        absent = literal(None, JSONB(none_as_null=False))
        return func.coalesce(self.raw, absent).in_([absent, literal("", JSONB()), literal([], JSONB())])

    @property
    def _day(self) -> ColumnElement[Any]:
        # ISO days sort as bytes do, whatever the collation of the database.
        return self.words.collate("C")

    @property
    def _is_day(self) -> ColumnElement[bool]:
        return self.words.regexp_match(_DAY)


def _guarded(typed: ColumnElement[bool], test: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a test of a value that must be of a type.

    PostgreSQL knows nothing of what stands in JSON. Of two tests it would believe that they leave one person in a
    thousand, and then look for each of the others who are left row by row; of a CASE it believes that it halves.
    """
    return case((typed, test), else_=false())


def _like(words: ColumnElement[Any], part: str, how: str) -> ColumnElement[bool]:
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = {"contains": f"%{escaped}%", "startswith": f"{escaped}%", "endswith": f"%{escaped}"}[how]
    return func.lower(words).like(func.lower(literal(pattern, Text())))
