"""Conditions on orders: how many (``count``), their value together (``value``), and when the last one was (``last``).

``{"orders": "count", "op": "gte", "value": 2, "within_days": 365}``, ``{"orders": "value", "op": "gt", "value": 100,
"category": "wine"}``, ``{"orders": "last", "op": "more_than_days_ago", "value": 90}``. ``product`` (its number or
name) or ``category`` asks for orders that hold such an item, ``brand`` for those of one brand.

A refund is no order, and takes its value away from the order's. Who never ordered has zero orders worth nothing, and
no last one. Of who objected to marketing nothing is known here, as profiling ended (GDPR 21(2)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from app.brands.queries.brands import all_brands
from app.customers.queries.contacts import profile_table
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, among
from campaigns.queries.segments.places import COMPARE
from tracking.models import Order

_WHAT = {
    "count": lazy_gettext("Number of orders"),
    "value": lazy_gettext("Value of orders"),
    "last": lazy_gettext("Last order"),
}
_COMPARED = {
    "gte": lazy_gettext("is at least"),
    "gt": lazy_gettext("is greater than"),
    "eq": lazy_gettext("equals"),
    "lte": lazy_gettext("is at most"),
    "lt": lazy_gettext("is less than"),
}
_WHEN = {
    "within_days": lazy_gettext("is within the last"),
    "more_than_days_ago": lazy_gettext("is longer ago than"),
}
_ITEMS = ("product", "category")
_NARROWED = ("within_days", "product", "category", "brand")


@dataclass(frozen=True)
class Question:
    """What is asked of the orders of a person: ``total`` their count, value or last moment; ``test`` of it; and
    whether somebody without any such order passes."""

    what: str
    test: Callable[[Any], ColumnElement[bool]]
    of_nobody: bool


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    question = _question(leaf, context)
    narrowed = any(key in leaf for key in _NARROWED)
    found, missed = (_people(question, leaf, context, narrowed=narrowed, passed=passed) for passed in (True, False))
    # Most people have no order at all, so it is asked for those who have: either who passes, or who does not.
    passes = ~missed if question.of_nobody else found
    known = context.contact.c.objected_at.is_(None)
    return Verdict(and_(known, passes), and_(known, ~passes))


def _question(leaf: Leaf, context: Context) -> Question:
    what = given.one_of(leaf["orders"], _WHAT, "orders")
    if what == "last":
        given.only(leaf, "orders", "op", "value", *_ITEMS, "brand")
        op = given.one_of(leaf.get("op"), _WHEN, "op")
        moment = context.now - timedelta(days=given.whole(leaf.get("value"), least=0))
        compared = COMPARE["gte" if op == "within_days" else "lt"]
        return Question(what, lambda total: compared(total, moment), of_nobody=False)
    given.only(leaf, "orders", "op", "value", *_NARROWED)
    op = given.one_of(leaf.get("op"), _COMPARED, "op")
    number = Decimal(str(given.number(leaf.get("value"))))
    compare = COMPARE.get(op, lambda total, wanted: total == wanted)
    return Question(what, lambda total: compare(total, number), bool(compare(0, number)))


def _people(question: Question, leaf: Leaf, context: Context, *, narrowed: bool, passed: bool) -> ColumnElement[bool]:
    """People with such orders whose total passes the test, or fails it."""
    contact_id = context.contact.c.id
    if not narrowed:
        profile = profile_table().c
        total = {"count": profile.orders, "value": profile.order_value, "last": profile.ordered_at}[question.what]
        test = question.test(total)
        return exists().where(profile.contact_id == contact_id, test if passed else ~test)
    totals: Mapping[str, ColumnElement[Any]] = {
        "count": func.count(),
        "value": func.sum(Order.value),
        "last": func.max(Order.at),
    }
    test = question.test(totals[question.what])
    meant = _narrow(leaf, context, refunds=question.what == "value")
    people = (
        select(Order.contact_id)
        .where(Order.contact_id.is_not(None), *meant)
        .group_by(Order.contact_id)
        .having(test if passed else ~test)
    )
    return among(contact_id, people)


def _narrow(leaf: Leaf, context: Context, *, refunds: bool) -> list[ColumnElement[bool]]:
    """Return which orders are meant, with their refunds when those matter."""
    given.at_most_one(leaf, _ITEMS)
    tests: list[ColumnElement[bool]] = [] if refunds else [Order.refunds.is_(None)]
    if "within_days" in leaf:
        days = given.whole(leaf["within_days"], least=0)
        tests.append(Order.at >= context.now - timedelta(days=days))
    if "brand" in leaf:
        tests.append(Order.brand_id == _brand(leaf["brand"], context))
    for key in _ITEMS:
        if key in leaf:
            tests.append(_holds(key, given.text(leaf[key]).strip(), refunds=refunds))
    return tests


def _brand(slug: object, context: Context) -> int:
    brands = {brand.slug: brand.id for brand in all_brands(context.session)}
    return brands[given.one_of(slug, brands, "brand")]


def _holds(key: str, wanted: str, *, refunds: bool) -> ColumnElement[bool]:
    """The order holds an item, or the one that is refunded does; asked by containment, which an index answers."""
    names = ("sku", "name") if key == "product" else ("category",)

    def in_items(items: Any) -> ColumnElement[bool]:
        return or_(*(items.op("@>", is_comparison=True)(literal([{name: wanted}], JSONB())) for name in names))

    if not refunds:
        return in_items(Order.items)
    sold = aliased(Order)
    return func.coalesce(Order.refunds, Order.id).in_(select(sold.id).where(in_items(sold.items)))


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [(what, str(label)) for what, label in _WHAT.items()]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    last = leaf["orders"] == "last"
    ops = tuple((op, str(label)) for op, label in (_WHEN if last else _COMPARED).items())
    chosen = str(leaf.get("op") or ops[0][0])
    controls = [
        Control("op", _("How it is compared"), "select", chosen, ops),
        Control(
            "value",
            _("Number of days") if last else _("Value"),
            "number" if last else "decimal",
            given.as_text(leaf.get("value")),
            after=_("days") if last else "",
        ),
    ]
    if not last:
        days = given.as_text(leaf.get("within_days"))
        controls.append(
            Control(
                "within_days",
                _("Within how many days"),
                "number",
                days,
                before=_("within the last"),
                after=_("days"),
                hint=_("ever"),
            )
        )
    return [*controls, *_narrowing(leaf, context)]


def _narrowing(leaf: Leaf, context: Context) -> list[Control]:
    item = next((key for key in _ITEMS if key in leaf), "")
    items = (("", _("of anything")), ("product", _("of the product")), ("category", _("of the category")))
    controls = [Control("item", _("Of what"), "select", item, items, reshapes=True)]
    if item:
        controls.append(Control("item_name", _("Product or category"), "text", given.as_text(leaf[item])))
    brands = all_brands(context.session)
    if len(brands) > 1:
        options = (("", _("from any brand")), *((brand.slug, brand.name) for brand in brands))
        controls.append(Control("brand", _("Brand"), "select", given.as_text(leaf.get("brand")), options))
    return controls


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    known = _WHEN if subject == "last" else _COMPARED
    op = texts.get("op", "")
    leaf: dict[str, object] = {
        "orders": subject,
        "op": op if op in known else next(iter(known)),
        "value": given.as_number(texts.get("value") or ("90" if subject == "last" else "1")),
        "brand": texts.get("brand", ""),
    }
    if subject != "last" and texts.get("within_days", "").strip():
        leaf["within_days"] = given.as_number(texts["within_days"])
    leaf = given.drop_blank(leaf)
    if (item := texts.get("item", "")) in _ITEMS:
        leaf[item] = texts.get("item_name", "").strip()
    return leaf


CONDITION = Condition("orders", lazy_gettext("Orders"), _verdict, _subjects, _controls, _read)
