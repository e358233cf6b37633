"""Conditions on what people did with mails: ``{"engagement": "opened", "op": "did_not", "last_campaigns": 3}``.

Opens and clicks are those of humans. They are three-valued: someone who got no tracked mail in the scope neither
opened nor failed to open. The scope is one of ``campaign``, ``last_campaigns``, ``within_days``, or all time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, Table, and_, exists

from app.core.errors import InvalidInput
from app.customers.queries.contacts import profile_table
from campaigns.models import Message
from campaigns.policy import MessageState
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict

_DEEDS = {
    "opened": lazy_gettext("Has opened"),
    "clicked": lazy_gettext("Has clicked in"),
    "received": lazy_gettext("Has received"),
}
_OPS = ("did", "did_not")
_SCOPES = ("campaign", "last_campaigns", "within_days")
_MANY = 10_000


def _message() -> Table:
    return cast(Table, Message.__table__)


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "engagement", "op", *_SCOPES)
    deed = given.one_of(leaf["engagement"], _DEEDS, "engagement")
    did = given.one_of(leaf.get("op"), _OPS, "op") == "did"
    scopes = [scope for scope in _SCOPES if scope in leaf]
    if len(scopes) > 1:
        raise InvalidInput(_("give one of %(scopes)s, not several.", scopes=", ".join(scopes)))
    scope = scopes[0] if scopes else None
    verdict = _received(leaf, scope, context) if deed == "received" else _responded(deed, leaf, scope, context)
    return verdict if did else verdict.negated()


def _received(leaf: Leaf, scope: str | None, context: Context) -> Verdict:
    got = _exists(context, _delivered(leaf, scope, context))
    return Verdict(got, ~got)


def _responded(deed: str, leaf: Leaf, scope: str | None, context: Context) -> Verdict:
    """Yes: a response. No: tracked mail in the scope, and no response to it."""
    # An objection ends profiling (GDPR 21(2)): of such people nothing is known, not even that they did not.
    known = context.contact.c.objected_at.is_(None)
    had_chance = and_(known, _exists(context, [*_delivered(leaf, scope, context), _message().c.tracked]))
    if scope in ("campaign", "last_campaigns"):
        column = _message().c.human_opened_at if deed == "opened" else _message().c.clicked_at
        responded = _exists(context, [_of(_campaigns(leaf, scope, context)), column.is_not(None)])
    else:
        # The profile has the latest response, whichever mail it was to; messages have only their first one.
        profile = profile_table()
        latest = profile.c.opened_at if deed == "opened" else profile.c.clicked_at
        when = latest.is_not(None) if scope is None else latest >= _since(leaf, context)
        responded = exists().where(profile.c.contact_id == context.contact.c.id, when)
    return Verdict(and_(known, responded), and_(had_chance, ~responded))


def _exists(context: Context, tests: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    return exists().where(_message().c.contact_id == context.contact.c.id, *tests)


def _delivered(leaf: Leaf, scope: str | None, context: Context) -> list[ColumnElement[bool]]:
    message = _message().c
    tests = [message.state == MessageState.SENT.value, message.bounce_class.is_(None)]
    if scope is not None:
        tests.append(_of(_campaigns(leaf, scope, context)))
    if scope == "within_days":
        tests.append(message.sent_at >= _since(leaf, context))
    return tests


def _of(campaigns: Sequence[int]) -> ColumnElement[bool]:
    """Messages of these campaigns; bound as numbers, so that the planner reads only their partitions."""
    return _message().c.campaign_id.in_(campaigns)


def _campaigns(leaf: Leaf, scope: str, context: Context) -> list[int]:
    if scope == "campaign":
        wanted = given.whole(leaf["campaign"], least=1, most=2**31 - 1)
        if not any(campaign.id == wanted for campaign in context.launched):
            raise InvalidInput(_("no launched campaign has the number %(id)d.", id=wanted))
        return [wanted]
    if scope == "last_campaigns":
        number = given.whole(leaf["last_campaigns"], least=1, most=_MANY)
        return [campaign.id for campaign in context.launched[:number]]
    since = _since(leaf, context)
    return [c.id for c in context.launched if c.finished_at is None or c.finished_at >= since]


def _since(leaf: Leaf, context: Context) -> datetime:
    return context.now - timedelta(days=given.whole(leaf["within_days"], least=0))


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [(deed, str(label)) for deed, label in _DEEDS.items()]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    scope = next((scope for scope in _SCOPES if scope in leaf), "")
    dids = (("did", _("a mail")), ("did_not", _("no mail")))
    scopes = (
        ("", _("at any time")),
        ("within_days", _("within the last")),
        ("last_campaigns", _("among the last")),
        ("campaign", _("of the campaign")),
    )
    controls = [
        Control("op", _("Did or did not"), "select", str(leaf.get("op", "did")), dids),
        Control("scope", _("Which mails"), "select", scope, scopes, reshapes=True),
    ]
    value = given.as_text(leaf.get(scope))
    if scope == "within_days":
        controls.append(Control("value", _("Number of days"), "number", value, after=_("days")))
    elif scope == "last_campaigns":
        controls.append(Control("value", _("Number of campaigns"), "number", value, after=_("campaigns")))
    elif scope == "campaign":
        known = tuple((str(campaign.id), campaign.name) for campaign in context.launched[:200])
        controls.append(Control("value", _("Campaign"), "select", value, (("", _("choose…")), *known)))
    return controls


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    leaf: dict[str, object] = {"engagement": subject, "op": "did_not" if texts.get("op") == "did_not" else "did"}
    if (scope := texts.get("scope", "")) in _SCOPES:
        leaf[scope] = given.as_number(texts.get("value", ""))
    return leaf


CONDITION = Condition("engagement", lazy_gettext("Response to mails"), _verdict, _subjects, _controls, _read)
