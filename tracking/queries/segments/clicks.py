"""Conditions on clicks: ``{"clicks": "category", "value": "wine", "op": "did", "times": 2, "within_days": 90}``, or on
links by their address: ``{"clicks": "link", "match": "contains", "value": "/sale", "op": "did_not"}``.

Clicks are those of humans, each once however often it was repeated within ten seconds. They are three-valued: someone
who got no tracked mail with such a link neither clicked it nor failed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, func, literal, select, union_all

from campaigns.queries.responses import link_table, message_table
from campaigns.queries.segments import given, scope
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, among
from campaigns.queries.segments.engagement import with_a_chance
from campaigns.queries.segments.scope import Scope
from tracking.models import Event, EventSeal
from tracking.policy.classify import Label

_KINDS = {
    "category": lazy_gettext("A link of the category"),
    "link": lazy_gettext("A link whose address"),
}
_MATCHES = {
    "is": lazy_gettext("is exactly"),
    "starts_with": lazy_gettext("begins with"),
    "contains": lazy_gettext("contains"),
}
_OPS = ("did", "did_not")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    kind = given.one_of(leaf["clicks"], _KINDS, "clicks")
    given.only(leaf, "clicks", "value", "op", "times", *scope.SCOPES, *(["match"] if kind == "link" else []))
    did = given.one_of(leaf.get("op"), _OPS, "op") == "did"
    within, times = scope.scope_of(leaf, context), scope.times_of(leaf)
    meant = _meant(leaf, kind)
    # Which campaigns had such a link is asked now, so that only their messages are read.
    having = context.session.scalars(select(link_table().c.campaign_id).where(meant).distinct()).all()
    mails = [*within.mails(), message_table().c.campaign_id.in_(having)]
    verdict = with_a_chance(_clicked(meant, within, times, context), mails, context)
    return verdict if did else verdict.negated()


def _meant(leaf: Leaf, kind: str) -> ColumnElement[bool]:
    """Return which links are meant."""
    wanted, link = given.text(leaf.get("value")), link_table().c
    if kind == "category":
        return func.lower(link.category) == func.lower(wanted.strip())
    match = given.one_of(leaf.get("match", "contains"), _MATCHES, "match")
    if match == "is":
        return link.url == wanted.strip()
    if match == "starts_with":
        return link.url.startswith(wanted.strip(), autoescape=True)
    return link.url.contains(wanted.strip(), autoescape=True)


def _clicked(meant: ColumnElement[bool], within: Scope, times: int, context: Context) -> ColumnElement[bool]:
    since = within.since or _EVER
    one_by_one = select(Event.contact_id, literal(1).label("clicks")).where(
        *_asked(Event, meant, within), Event.contact_id.is_not(None), Event.at >= since
    )
    # Of sealed clicks of which the first lies before, only the last is known to lie within.
    known = case((EventSeal.first_at >= since, EventSeal.events), else_=1)
    added_up = select(EventSeal.contact_id, known).where(*_asked(EventSeal, meant, within), EventSeal.last_at >= since)
    found = union_all(one_by_one, added_up).subquery()
    people = select(found.c.contact_id)
    if times > 1:
        people = people.group_by(found.c.contact_id).having(func.sum(found.c.clicks) >= times)
    return among(context.contact.c.id, people)


def _asked(kept: type[Event | EventSeal], meant: ColumnElement[bool], within: Scope) -> list[ColumnElement[bool]]:
    """Return what is asked alike of clicks that are kept one by one and of those that are sealed."""
    link = link_table().c
    tests = [
        kept.kind == "click",
        kept.label == Label.HUMAN.value,
        kept.campaign_id == link.campaign_id,
        kept.link_n == link.n,
        meant,
    ]
    if within.kind in ("campaign", "last_campaigns"):
        tests.append(kept.campaign_id.in_(within.campaigns or ()))
    return tests


# The builder


def _categories(context: Context) -> tuple[tuple[str, str], ...]:
    link = link_table().c
    rows = context.session.scalars(
        select(func.min(link.category)).where(link.category != "").group_by(func.lower(link.category)).limit(200)
    )
    return tuple((name, name) for name in sorted(rows, key=str.casefold))


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [(kind, str(label)) for kind, label in _KINDS.items()]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    value = given.as_text(leaf.get("value"))
    if leaf["clicks"] == "category":
        known = _categories(context)
        shown = known if not value or value in dict(known) else ((value, value), *known)
        what = [Control("name", _("Category"), "select", value, (("", _("choose…")), *shown))]
    else:
        matches = tuple((match, str(label)) for match, label in _MATCHES.items())
        what = [
            Control("match", _("How the address is compared"), "select", str(leaf.get("match", "contains")), matches),
            Control("name", _("Address of the link"), "text", value, hint="https://"),
        ]
    dids = (("did", _("was clicked")), ("did_not", _("was not clicked")))
    op = Control("op", _("Did or did not"), "select", str(leaf.get("op", "did")), dids, reshapes=True)
    return [*what, op, *scope.controls(leaf, context)]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    leaf: dict[str, object] = {
        "clicks": subject,
        "value": texts.get("name", "").strip(),
        "op": "did_not" if texts.get("op") == "did_not" else "did",
        **scope.read(texts),
    }
    if subject == "link":
        leaf["match"] = texts.get("match") if texts.get("match") in _MATCHES else "contains"
    return leaf


CONDITION = Condition("clicks", lazy_gettext("Clicks on links"), _verdict, _subjects, _controls, _read)
