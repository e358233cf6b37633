"""Conditions on fields: ``{"field": "history", "op": "gt", "value": 200}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement

from app.core.errors import InvalidInput
from app.customers.policy.codes import Options, countries, languages
from app.customers.policy.values import Kind
from campaigns.queries.segments import given
from campaigns.queries.segments.calendar import on_their_day
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, certain
from campaigns.queries.segments.operators import OPERATORS, Family, Operator, Takes, read_value
from campaigns.queries.segments.places import Attribute, Moment, TextColumn

Place = TextColumn | Moment | Attribute


@dataclass(frozen=True)
class Field:
    """A field that can be asked about. ``place`` is where it stands; ``options`` its choices, when they are known."""

    name: str
    label: str
    family: Family
    place: Place
    options: Callable[[str], Options]


def _none(language: str) -> Options:
    return ()


Core = tuple[object, Family, Callable[[Context], TextColumn | Moment], Callable[[str], Options]]


def _text(column: str, *, folded: bool = False) -> Callable[[Context], TextColumn]:
    return lambda context: TextColumn(context.contact.c[column], folded)


_CORE: Mapping[str, Core] = {
    "email": (lazy_gettext("E-mail address"), Family.TEXT, _text("email_key", folded=True), _none),
    "domain": (lazy_gettext("E-mail domain"), Family.TEXT, _text("domain", folded=True), _none),
    "first_name": (lazy_gettext("First name"), Family.TEXT, _text("first_name"), _none),
    "last_name": (lazy_gettext("Last name"), Family.TEXT, _text("last_name"), _none),
    "language": (lazy_gettext("Language"), Family.CODE, _text("language"), languages),
    "country": (lazy_gettext("Country"), Family.CODE, _text("country"), countries),
    "time_zone": (lazy_gettext("Time zone"), Family.TEXT, _text("time_zone"), _none),
    "source": (lazy_gettext("Source"), Family.TEXT, _text("source"), _none),
    "created_at": (
        lazy_gettext("Date added"),
        Family.DAY,
        lambda context: Moment(context.contact.c.created_at, context.zone),
        _none,
    ),
}

_FAMILIES: Mapping[Kind, Family] = {
    Kind.TEXT: Family.TEXT,
    Kind.URL: Family.TEXT,
    Kind.NUMBER: Family.NUMBER,
    Kind.MONEY: Family.NUMBER,
    Kind.DATE: Family.DAY,
    Kind.BOOLEAN: Family.BOOLEAN,
    Kind.CHOICE: Family.CODE,
    Kind.CHOICES: Family.SEVERAL,
    Kind.COUNTRY: Family.CODE,
    Kind.LANGUAGE: Family.CODE,
}


def _field(name: object, context: Context) -> Field:
    """Return a core or declared field. Raises ``InvalidInput`` for a name that is neither."""
    if isinstance(name, str) and name in _CORE:
        label, family, place, options = _CORE[name]
        return Field(name, str(label), family, place(context), options)
    declared = context.declared.get(name) if isinstance(name, str) else None
    if declared is None:
        known = ", ".join([*_CORE, *context.declared][:40])
        raise InvalidInput(_("no field is called %(name)s. Fields: %(known)s.", name=given.show(name), known=known))
    choices: Options = tuple((choice, choice) for choice in declared.choices)
    listed = {Kind.COUNTRY: countries, Kind.LANGUAGE: languages}.get(declared.kind, lambda language: choices)
    attribute = Attribute(context.contact.c.attributes, declared.name)
    return Field(declared.name, declared.label(context.language), _FAMILIES[declared.kind], attribute, listed)


def _operator(field: Field, leaf: Leaf) -> Operator:
    known = OPERATORS[field.family]
    return known[given.one_of(leaf.get("op"), known, "op")]


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "field", "op", "value")
    field = _field(leaf["field"], context)
    operator = _operator(field, leaf)
    if operator.takes is Takes.NOTHING:
        given.only(leaf, "field", "op")
    try:
        value = read_value(field.family, operator.takes, leaf.get("value"))
    except InvalidInput as error:
        raise InvalidInput(f"{field.label}: {error}") from None
    verdict = certain(_test(field.place, operator, value, context))
    return verdict.negated() if operator.negated else verdict


def _test(place: Place, operator: Operator, value: object, context: Context) -> ColumnElement[bool]:
    """A date of the person's own is seen from the day that it is where they live."""
    if not operator.relative or not isinstance(place, Attribute):
        return operator.build(place, value, context.today)
    zone = context.contact.c.time_zone
    return on_their_day(zone, context.now, context.zone, lambda today: operator.build(place, value, today))


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    core = [(name, str(entry[0])) for name, entry in _CORE.items()]
    declared = sorted(
        ((field.name, field.label(context.language)) for field in context.declared.values()),
        key=lambda pair: pair[1].casefold(),
    )
    return [*core, *declared]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    field = _field(leaf["field"], context)
    known = OPERATORS[field.family]
    name = str(leaf.get("op") or "")
    chosen = name if name in known else next(iter(known))
    operators = tuple((key, str(operator.label)) for key, operator in known.items())
    how = Control("op", _("How %(field)s is compared", field=field.label), "select", chosen, operators, reshapes=True)
    return [how, *_values(field, known[chosen].takes, leaf.get("value"), context.language)]


def _values(field: Field, takes: Takes, value: object, language: str) -> list[Control]:
    label = _("Value of %(field)s", field=field.label)
    if takes is Takes.NOTHING:
        return []
    if takes in (Takes.DAYS, Takes.YEARS):
        after = _("days") if takes is Takes.DAYS else _("years ago")
        return [Control("value", label, "number", given.as_text(value), after=after)]
    if takes is Takes.PAIR:
        low, high = value if isinstance(value, list) and len(value) == 2 else (None, None)
        kind = _input(field)
        return [
            Control("value", _("Lower value of %(field)s", field=field.label), kind, given.as_text(low)),
            Control(
                "value2", _("Upper value of %(field)s", field=field.label), kind, given.as_text(high), before=_("and")
            ),
        ]
    if takes is Takes.LIST:
        return [Control("value", label, "text", given.as_text(value), hint=_("separated by commas"))]
    options = field.options(language)
    if field.family is Family.BOOLEAN:
        options = (("1", _("yes")), ("0", _("no")))
    if options and takes is Takes.ONE:
        shown = given.as_text(value)
        known = options if not shown or shown in dict(options) else ((shown, shown), *options)
        return [Control("value", label, "select", shown, (("", _("choose…")), *known))]
    return [Control("value", label, _input(field), given.as_text(value))]


def _input(field: Field) -> str:
    return {Family.NUMBER: "decimal", Family.DAY: "date"}.get(field.family, "text")


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    field = _field(subject, context)
    known = OPERATORS[field.family]
    op = texts.get("op", "")
    op = op if op in known else next(iter(known))
    return given.drop_blank({"field": subject, "op": op, "value": _value(field, known[op].takes, texts)})


def _value(field: Field, takes: Takes, texts: Mapping[str, str]) -> Any:
    text = texts.get("value", "").strip()
    if takes is Takes.NOTHING:
        return None
    if takes in (Takes.DAYS, Takes.YEARS):
        return given.as_number(text)
    if takes is Takes.PAIR:
        return [_one(field, text), _one(field, texts.get("value2", "").strip())]
    if takes is Takes.LIST:
        return given.as_list(text, lambda part: _one(field, part))
    return text if takes is Takes.PART else _one(field, text)


def _one(field: Field, text: str) -> object:
    if field.family is Family.NUMBER:
        return given.as_number(text)
    if field.family is Family.BOOLEAN:
        return {"1": True, "0": False}.get(text, text)
    return text


CONDITION = Condition("field", lazy_gettext("Fields"), _verdict, _subjects, _controls, _read)
