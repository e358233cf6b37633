"""What may be asked about a field, by the family of its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement

from campaigns.queries.segments import given
from campaigns.queries.segments.calendar import month_days, years_before


class Family(StrEnum):
    """Types that are asked about alike."""

    TEXT = "text"
    CODE = "code"  # one of a known set: choice, country, language, time zone
    NUMBER = "number"
    DAY = "day"
    BOOLEAN = "boolean"
    SEVERAL = "several"  # a list of choices


class Takes(StrEnum):
    """How many values an operator takes, and of which type."""

    NOTHING = "nothing"
    ONE = "one"  # of the field's type
    PAIR = "pair"
    LIST = "list"
    PART = "part"  # of a text
    DAYS = "days"  # a number of days
    YEARS = "years"  # a number of years


MAX_YEARS = 150

# Places differ by family, and so do the tests that they can build; the table below joins what fits.
Build = Callable[[Any, Any, date], ColumnElement[bool]]


@dataclass(frozen=True)
class Operator:
    """One thing to ask. ``build`` gets the place, the value and today; ``negated`` asks for the opposite."""

    label: object
    takes: Takes
    build: Build
    negated: bool = False

    @property
    def relative(self) -> bool:
        """Tell whether the answer depends on which day it is."""
        return self.takes in (Takes.DAYS, Takes.YEARS)


def _compare(how: str) -> Build:
    return lambda place, value, today: place.compare(how, value)


def _like(how: str) -> Build:
    return lambda place, value, today: place.like(value, how)


def _equals(place: Any, value: Any, today: date) -> ColumnElement[bool]:
    return place.equals(value)  # type: ignore[no-any-return]


def _one_of(place: Any, value: Any, today: date) -> ColumnElement[bool]:
    return place.one_of(value)  # type: ignore[no-any-return]


def _empty(place: Any, value: Any, today: date) -> ColumnElement[bool]:
    return place.empty()  # type: ignore[no-any-return]


_KNOWN = {
    "is_set": Operator(_("is known"), Takes.NOTHING, _empty, negated=True),
    "is_empty": Operator(_("is not known"), Takes.NOTHING, _empty),
}
_SAME = {
    "eq": Operator(_("is"), Takes.ONE, _equals),
    "ne": Operator(_("is not"), Takes.ONE, _equals, negated=True),
}
_AMONG = {
    "in": Operator(_("is one of"), Takes.LIST, _one_of),
    "not_in": Operator(_("is none of"), Takes.LIST, _one_of, negated=True),
}

OPERATORS: Mapping[Family, Mapping[str, Operator]] = {
    Family.TEXT: {
        **_SAME,
        "contains": Operator(_("contains"), Takes.PART, _like("contains")),
        "not_contains": Operator(_("does not contain"), Takes.PART, _like("contains"), negated=True),
        "starts_with": Operator(_("begins with"), Takes.PART, _like("startswith")),
        "ends_with": Operator(_("ends with"), Takes.PART, _like("endswith")),
        **_AMONG,
        **_KNOWN,
    },
    Family.CODE: {**_SAME, **_AMONG, **_KNOWN},
    Family.NUMBER: {
        "eq": Operator(_("equals"), Takes.ONE, _equals),
        "ne": Operator(_("does not equal"), Takes.ONE, _equals, negated=True),
        "gt": Operator(_("is greater than"), Takes.ONE, _compare("gt")),
        "gte": Operator(_("is at least"), Takes.ONE, _compare("gte")),
        "lt": Operator(_("is less than"), Takes.ONE, _compare("lt")),
        "lte": Operator(_("is at most"), Takes.ONE, _compare("lte")),
        "between": Operator(
            _("is between"),
            Takes.PAIR,
            lambda place, value, today: place.compare("gte", value[0]) & place.compare("lte", value[1]),
        ),
        **_AMONG,
        **_KNOWN,
    },
    Family.DAY: {
        "eq": Operator(_("is on"), Takes.ONE, lambda place, value, today: place.span(value, value)),
        "ne": Operator(_("is not on"), Takes.ONE, lambda place, value, today: place.span(value, value), negated=True),
        "before": Operator(_("is before"), Takes.ONE, lambda place, value, today: place.before(value)),
        "after": Operator(_("is after"), Takes.ONE, lambda place, value, today: place.after(value)),
        "between": Operator(_("is between"), Takes.PAIR, lambda place, value, today: place.span(*value)),
        "within_days": Operator(
            _("is within the last"),
            Takes.DAYS,
            lambda place, value, today: place.span(today - timedelta(days=value), today),
        ),
        "more_than_days_ago": Operator(
            _("is longer ago than"),
            Takes.DAYS,
            lambda place, value, today: place.before(today - timedelta(days=value)),
        ),
        "within_next_days": Operator(
            _("is within the next"),
            Takes.DAYS,
            lambda place, value, today: place.span(today, today + timedelta(days=value)),
        ),
        "anniversary_within_days": Operator(
            _("has its anniversary within"),
            Takes.DAYS,
            lambda place, value, today: place.anniversary(month_days(today, value)),
        ),
        "anniversary_in_days": Operator(
            _("has its anniversary in exactly"),
            Takes.DAYS,
            lambda place, value, today: place.anniversary(month_days(today + timedelta(days=value), 0)),
        ),
        "at_least_years_ago": Operator(
            _("lies at least"),
            Takes.YEARS,
            lambda place, value, today: place.before(years_before(today, value) + timedelta(days=1)),
        ),
        "less_than_years_ago": Operator(
            _("lies less than"),
            Takes.YEARS,
            lambda place, value, today: place.span(years_before(today, value) + timedelta(days=1), today),
        ),
        **_KNOWN,
    },
    Family.BOOLEAN: {**_SAME, **_KNOWN},
    Family.SEVERAL: {
        "contains": Operator(_("includes"), Takes.ONE, lambda place, value, today: place.holds(value)),
        "not_contains": Operator(
            _("does not include"), Takes.ONE, lambda place, value, today: place.holds(value), negated=True
        ),
        "in": Operator(_("includes one of"), Takes.LIST, lambda place, value, today: place.holds_one_of(value)),
        "not_in": Operator(
            _("includes none of"), Takes.LIST, lambda place, value, today: place.holds_one_of(value), negated=True
        ),
        **_KNOWN,
    },
}

_ONE: Mapping[Family, Callable[[object], object]] = {
    Family.TEXT: given.text,
    Family.CODE: given.text,
    Family.NUMBER: given.number,
    Family.DAY: given.day,
    Family.BOOLEAN: given.yes_or_no,
    Family.SEVERAL: given.text,
}


def read_value(family: Family, takes: Takes, value: object) -> Any:
    """Return the typed value that an operator takes. Raises ``InvalidInput``."""
    one = _ONE[family]
    if takes is Takes.NOTHING:
        return None
    if takes is Takes.ONE:
        return one(value)
    if takes is Takes.PAIR:
        return given.pair(value, one)
    if takes is Takes.LIST:
        return given.several(value, one)
    if takes is Takes.PART:
        return given.text(value)
    return given.whole(value, least=0, most=MAX_YEARS if takes is Takes.YEARS else given.MAX_DAYS)
