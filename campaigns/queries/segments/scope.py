"""Which mails a condition is about: of one ``campaign``, of the ``last_campaigns``, of the ``last_days``; else of all.

Shared by every condition on what people did with mails, here and in ``tracking``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Table

from app.core.errors import InvalidInput
from campaigns.models import Message
from campaigns.policy import MessageState
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Context, Control, Leaf

SCOPES = ("campaign", "last_campaigns", "within_days")
MAX_TIMES = 10_000


@dataclass(frozen=True)
class Scope:
    """``kind`` is a key of the leaf, None for all time; ``campaigns`` the campaigns that can have such mails, None for
    any; ``since`` a moment."""

    kind: str | None
    campaigns: Sequence[int] | None
    since: datetime | None

    def mails(self) -> list[ColumnElement[bool]]:
        """Return the tests of a message that was delivered, within the scope. Campaigns are bound as numbers, so that
        the planner reads only their partitions."""
        message = cast(Table, Message.__table__).c
        tests = [message.state == MessageState.SENT.value, message.bounce_class.is_(None)]
        if self.campaigns is not None:
            tests.append(message.campaign_id.in_(self.campaigns))
        if self.since is not None:
            tests.append(message.sent_at >= self.since)
        return tests


def scope_of(leaf: Leaf, context: Context) -> Scope:
    """Read the scope of a leaf. Raises ``InvalidInput``."""
    kind = given.at_most_one(leaf, SCOPES)
    if kind is None:
        return Scope(None, None, None)
    if kind == "campaign":
        wanted = given.whole(leaf["campaign"], least=1, most=2**31 - 1)
        if not any(campaign.id == wanted for campaign in context.launched):
            raise InvalidInput(_("no launched campaign has the number %(id)d.", id=wanted))
        return Scope(kind, [wanted], None)
    if kind == "last_campaigns":
        number = given.whole(leaf["last_campaigns"], least=1, most=MAX_TIMES)
        return Scope(kind, [campaign.id for campaign in context.launched[:number]], None)
    since = context.now - timedelta(days=given.whole(leaf["within_days"], least=0))
    alive = [c.id for c in context.launched if c.finished_at is None or c.finished_at >= since]
    return Scope(kind, alive, since)


def times_of(leaf: Leaf) -> int:
    """Read how often something was done at least."""
    return given.whole(leaf["times"], least=1, most=MAX_TIMES) if "times" in leaf else 1


# The builder


def controls(leaf: Leaf, context: Context) -> list[Control]:
    """Return the controls of a scope and of how often."""
    scope = next((scope for scope in SCOPES if scope in leaf), "")
    scopes = (
        ("", _("at any time")),
        ("within_days", _("within the last")),
        ("last_campaigns", _("among the last")),
        ("campaign", _("of the campaign")),
    )
    found = [Control("scope", _("Which mails"), "select", scope, scopes, reshapes=True)]
    value = given.as_text(leaf.get(scope))
    if scope == "within_days":
        found.append(Control("value", _("Number of days"), "number", value, after=_("days")))
    elif scope == "last_campaigns":
        found.append(Control("value", _("Number of campaigns"), "number", value, after=_("campaigns")))
    elif scope == "campaign":
        known = tuple((str(campaign.id), campaign.name) for campaign in context.launched[:200])
        found.append(Control("value", _("Campaign"), "select", value, (("", _("choose…")), *known)))
    fewer = leaf.get("op") == "did_not"
    if scope != "campaign" and ("times" in leaf or not fewer):
        times, before = given.as_text(leaf.get("times")), _("fewer than") if fewer else _("at least")
        found.append(Control("times", _("How often"), "number", times, before=before, after=_("times"), hint="1"))
    return found


def read(texts: Mapping[str, str]) -> dict[str, object]:
    """Return the keys of a leaf that the controls say."""
    found: dict[str, object] = {}
    if (scope := texts.get("scope", "")) in SCOPES:
        found[scope] = given.as_number(texts.get("value", ""))
    if scope != "campaign" and (times := texts.get("times", "").strip()) not in ("", "1"):
        found["times"] = given.as_number(times)
    return found
