"""Conditions on where people are: ``{"geography": "area", "op": "in", "value": "eu"}`` by their country, and by two
number fields ``{"geography": "near", "of": [48.8566, 2.3522], "km": 30, "latitude": "lat", "longitude": "lon"}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, Float, and_, case, cast, false, func, literal

from app.core.errors import InvalidInput
from app.customers.policy.values import Kind
from campaigns.queries.segments import given
from campaigns.queries.segments.areas import AREAS
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, certain
from campaigns.queries.segments.places import Attribute

_KINDS = {"area": lazy_gettext("Home, by country,"), "near": lazy_gettext("Home, by coordinates,")}
_OPS = ("in", "not_in")
EARTH_KM = 6371.0088  # mean radius (IUGG)
_LARGEST_KM = 20_000


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    kind = given.one_of(leaf["geography"], _KINDS, "geography")
    op = given.one_of(leaf.get("op", "in"), _OPS, "op")
    test = _area(leaf, context) if kind == "area" else _near(leaf, context)
    return certain(test) if op == "in" else certain(test).negated()


def _area(leaf: Leaf, context: Context) -> ColumnElement[bool]:
    given.only(leaf, "geography", "op", "value")
    name = given.one_of(leaf.get("value"), AREAS, "value")
    return context.contact.c.country.in_(sorted(AREAS[name][1]))


def _near(leaf: Leaf, context: Context) -> ColumnElement[bool]:
    """Haversine on a sphere, within half a percent of the ellipsoid. Who is north or south of the circle is sorted out
    first, without trigonometry; that also keeps a value of the wrong type out of it."""
    given.only(leaf, "geography", "op", "of", "km", "latitude", "longitude")
    latitude, longitude = given.pair(leaf.get("of"), given.number)
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise InvalidInput(_("“of” is a latitude from −90 to 90 and a longitude from −180 to 180."))
    km = given.number(leaf.get("km"))
    if not 0 < km <= _LARGEST_KM:
        raise InvalidInput(_("“km” is a distance of more than 0 and at most %(max)d km.", max=_LARGEST_KM))
    north, east = (_coordinate(leaf.get(key), key, context) for key in ("latitude", "longitude"))
    reach = math.degrees(km / EARTH_KM) + 1e-9
    within = and_(
        north.compare("gte", latitude - reach),
        north.compare("lte", latitude + reach),
        func.jsonb_typeof(east.raw) == "number",
    )
    return case((within, _distance(_degrees(north), _degrees(east), latitude, longitude) <= km), else_=false())


def _distance(north: Any, east: Any, latitude: float, longitude: float) -> ColumnElement[float]:
    """Return the kilometres from a point (haversine formula; R. W. Sinnott, Sky and Telescope 68 (1984) 158)."""
    half = func.power(func.sin(func.radians(north - latitude) / 2), 2) + math.cos(math.radians(latitude)) * func.cos(
        func.radians(north)
    ) * func.power(func.sin(func.radians(east - longitude) / 2), 2)
    return 2 * EARTH_KM * func.asin(func.least(literal(1.0), func.sqrt(half)))


def _degrees(place: Attribute) -> ColumnElement[Any]:
    return cast(place.raw, Float)


def _coordinate(name: object, key: str, context: Context) -> Attribute:
    field = context.declared.get(name) if isinstance(name, str) else None
    if field is None or field.kind is not Kind.NUMBER:
        known = ", ".join(_numbers(context)) or _("none yet")
        raise InvalidInput(
            _(
                "“%(key)s” names the number field that holds it, not %(name)s. Number fields: %(known)s.",
                key=key,
                name=given.show(name),
                known=known,
            )
        )
    return Attribute(context.contact.c.attributes, field.name)


def _numbers(context: Context) -> list[str]:
    return [name for name, field in context.declared.items() if field.kind is Kind.NUMBER]


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    offered = _KINDS if len(_numbers(context)) > 1 else {"area": _KINDS["area"]}
    return [(kind, str(label)) for kind, label in offered.items()]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    ops = (("in", _("lies in")), ("not_in", _("does not lie in")))
    if leaf["geography"] == "near":
        ops = (("in", _("lies within")), ("not_in", _("does not lie within")))
    op = Control("op", _("Lives there or not"), "select", str(leaf.get("op", "in")), ops)
    if leaf["geography"] == "area":
        options = tuple((name, str(label)) for name, (label, _codes) in AREAS.items())
        return [op, Control("value", _("Area"), "select", given.as_text(leaf.get("value")), options)]
    of = leaf.get("of")
    latitude, longitude = of if isinstance(of, list) and len(of) == 2 else (None, None)
    fields = tuple((name, context.declared[name].label(context.language)) for name in _numbers(context))
    return [
        op,
        Control("km", _("Kilometres"), "decimal", given.as_text(leaf.get("km")), after=_("km of")),
        Control("of_latitude", _("Latitude"), "decimal", given.as_text(latitude), before=_("latitude")),
        Control("of_longitude", _("Longitude"), "decimal", given.as_text(longitude), before=_("longitude")),
        Control(
            "latitude",
            _("Field with the latitude"),
            "select",
            str(leaf.get("latitude")),
            fields,
            before=_("as said by the fields"),
        ),
        Control(
            "longitude",
            _("Field with the longitude"),
            "select",
            str(leaf.get("longitude")),
            fields,
            before=_("and"),
        ),
    ]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    leaf: dict[str, object] = {"geography": subject, "op": "not_in" if texts.get("op") == "not_in" else "in"}
    if subject == "area":
        return {**leaf, "value": texts.get("value") or "eu"}
    if of := [given.as_number(texts.get(name, "")) for name in ("of_latitude", "of_longitude")]:
        leaf["of"] = of
    numbers = _numbers(context)
    for key, guess in (("latitude", numbers[:1]), ("longitude", numbers[1:2])):
        leaf[key] = texts.get(key) or next((n for n in numbers if n.startswith(key[:3])), next(iter(guess), ""))
    return given.drop_blank({**leaf, "km": given.as_number(texts.get("km", ""))})


CONDITION = Condition("geography", lazy_gettext("Geography"), _verdict, _subjects, _controls, _read)
