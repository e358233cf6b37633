"""Conditions on what people did with mails: ``{"engagement": "opened", "op": "did_not", "last_campaigns": 3}``.

Opens and clicks are those of humans. They are three-valued: someone who got no tracked mail in the scope neither
opened nor failed to open. ``"times": 3`` asks for at least so many mails of the scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, Table, and_, exists, func, select

from app.customers.queries.contacts import profile_table
from campaigns.models import Message
from campaigns.queries.segments import given, scope
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, among
from campaigns.queries.segments.scope import Scope

_DEEDS = {
    "opened": lazy_gettext("Has opened"),
    "clicked": lazy_gettext("Has clicked in"),
    "received": lazy_gettext("Has received"),
}
_OPS = ("did", "did_not")


def _message() -> Table:
    return cast(Table, Message.__table__)


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "engagement", "op", "times", *scope.SCOPES)
    deed = given.one_of(leaf["engagement"], _DEEDS, "engagement")
    did = given.one_of(leaf.get("op"), _OPS, "op") == "did"
    within, times = scope.scope_of(leaf, context), scope.times_of(leaf)
    if deed == "received":
        got = _mails(context, within.mails(), times)
        verdict = Verdict(got, ~got)
    else:
        responded = _responded(deed, within, times, context)
        verdict = with_a_chance(responded, within.mails(), context)
    return verdict if did else verdict.negated()


def _responded(deed: str, within: Scope, times: int, context: Context) -> ColumnElement[bool]:
    message, profile = _message().c, profile_table().c
    column = message.human_opened_at if deed == "opened" else message.clicked_at
    if times > 1:
        return _mails(context, [*within.mails(), column.is_not(None)], times)
    if within.kind in ("campaign", "last_campaigns"):
        return _mails(context, [message.campaign_id.in_(within.campaigns or ()), column.is_not(None)], 1)
    # The profile has the latest response, whichever mail it was to; messages have only their first one.
    latest = profile.opened_at if deed == "opened" else profile.clicked_at
    when = latest.is_not(None) if within.since is None else latest >= within.since
    return exists().where(profile.contact_id == context.contact.c.id, when)


def with_a_chance(responded: ColumnElement[bool], mails: Sequence[ColumnElement[bool]], context: Context) -> Verdict:
    """Return the verdict of a response to tracked mails that pass the tests ``mails``.

    An objection ends profiling (GDPR 21(2)): of such people nothing is known, not even that they did not.
    """
    known = context.contact.c.objected_at.is_(None)
    had_chance = _mails(context, [*mails, _message().c.tracked], 1)
    return Verdict(and_(known, responded), and_(known, had_chance, ~responded))


def _mails(context: Context, tests: Sequence[ColumnElement[bool]], times: int) -> ColumnElement[bool]:
    """People who have so many messages that pass the tests, or more."""
    message, contact_id = _message().c, context.contact.c.id
    if times == 1:
        return exists().where(message.contact_id == contact_id, *tests)
    counted = select(message.contact_id).where(*tests).group_by(message.contact_id).having(func.count() >= times)
    return among(contact_id, counted)


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [(deed, str(label)) for deed, label in _DEEDS.items()]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    dids = (("did", _("a mail")), ("did_not", _("no mail")))
    op = Control("op", _("Did or did not"), "select", str(leaf.get("op", "did")), dids, reshapes=True)
    return [op, *scope.controls(leaf, context)]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    op = "did_not" if texts.get("op") == "did_not" else "did"
    return {"engagement": subject, "op": op, **scope.read(texts)}


CONDITION = Condition("engagement", lazy_gettext("Response to mails"), _verdict, _subjects, _controls, _read)
