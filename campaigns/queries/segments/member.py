"""Membership: ``{"segment": 12, "op": "in"}`` in another segment, ``{"list": 3, "op": "in"}`` in a list of people, that
is a snapshot of a segment or was uploaded.

A segment inside a segment is compiled in its place, so that both are one statement and always of the same moment.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import func, select

from app.core.errors import InvalidInput
from app.customers.queries.contacts import contact_table
from campaigns.errors import SegmentError
from campaigns.models import PeopleListMember
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, among
from campaigns.queries.segments.tree import MAX_DEPTH, both, count

_OPS = ("in", "not_in")


def _segment(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "segment", "op")
    wanted = given.whole(leaf["segment"], least=1, most=2**62)
    op = given.one_of(leaf.get("op", "in"), _OPS, "op")
    verdict = _of_segment(wanted, context)
    return verdict if op == "in" else verdict.negated()


def _of_segment(segment_id: int, context: Context) -> Verdict:
    """Compile another segment, once for each statement. Raises ``InvalidInput`` naming the loop when it is made of
    itself."""
    found = context.segments.get(segment_id)
    if found is None:
        raise InvalidInput(_("there is no segment with the number %(id)d.", id=segment_id))
    opened = context.opened
    if segment_id in opened.trail:
        names = [context.segments[one].name for one in opened.trail[opened.trail.index(segment_id) :]]
        loop = " → ".join(f"“{name}”" for name in [*names, found.name])
        raise InvalidInput(_("a segment cannot be made of itself: %(loop)s.", loop=loop))
    if len(opened.trail) >= MAX_DEPTH:
        raise InvalidInput(_("segments may be made of each other %(max)d deep at most.", max=MAX_DEPTH))
    if segment_id in opened.verdicts:
        verdict, conditions = opened.verdicts[segment_id]
        count(context, conditions)
        return verdict
    before = opened.conditions
    opened.trail.append(segment_id)
    try:
        verdict = both(found.definition, context)
    except SegmentError as error:
        raise InvalidInput(
            _("the segment “%(name)s” cannot be read: %(problem)s", name=found.name, problem=error)
        ) from None
    finally:
        opened.trail.pop()
    opened.verdicts[segment_id] = verdict, opened.conditions - before
    return verdict


def _list(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "list", "op")
    wanted = given.whole(leaf["list"], least=1, most=2**62)
    op = given.one_of(leaf.get("op", "in"), _OPS, "op")
    if wanted not in context.lists:
        raise InvalidInput(_("there is no list with the number %(id)d.", id=wanted))
    # Who was put on the list and then merged into another is on it as that other.
    listed = contact_table().alias("listed")
    people = (
        select(func.coalesce(listed.c.merged_into, listed.c.id).label("contact_id"))
        .join(PeopleListMember, PeopleListMember.contact_id == listed.c.id)
        .where(PeopleListMember.list_id == wanted)
    )
    inside = among(context.contact.c.id, people)
    return Verdict(inside, ~inside) if op == "in" else Verdict(~inside, inside)


# The builder


def _segment_subjects(context: Context) -> list[tuple[str, str]]:
    others = context.segments.keys() - set(context.opened.trail)
    return [("", _("The segment"))] if others else []


def _list_subjects(context: Context) -> list[tuple[str, str]]:
    return [("", _("The list"))] if context.lists else []


def _controls(key: str, leaf: Leaf, names: Mapping[int, str]) -> list[Control]:
    ops = (("in", _("holds the person")), ("not_in", _("does not hold the person")))
    what = _("Segment") if key == "segment" else _("List of people")
    options = (("", _("choose…")), *((str(number), name) for number, name in names.items()))
    return [
        Control("of", what, "select", given.as_text(leaf.get(key)), options),
        Control("op", _("In it or not"), "select", str(leaf.get("op", "in")), ops),
    ]


def _segment_controls(leaf: Leaf, context: Context) -> list[Control]:
    offered = {
        one.id: one.name
        for one in context.segments.values()
        if one.id not in context.opened.trail and (not one.archived or one.id == leaf["segment"])
    }
    return _controls("segment", leaf, offered)


def _list_controls(leaf: Leaf, context: Context) -> list[Control]:
    return _controls("list", leaf, context.lists)


def _read(key: str, texts: Mapping[str, str]) -> dict[str, object]:
    return {key: given.as_number(texts.get("of", "")), "op": "not_in" if texts.get("op") == "not_in" else "in"}


SEGMENT = Condition(
    "segment",
    lazy_gettext("Other segments"),
    _segment,
    _segment_subjects,
    _segment_controls,
    lambda subject, texts, context: _read("segment", texts),
)
LIST = Condition(
    "list",
    lazy_gettext("Lists"),
    _list,
    _list_subjects,
    _list_controls,
    lambda subject, texts, context: _read("list", texts),
)
