"""Figures of campaigns, from ``message`` and the folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.core import clock
from campaigns.queries.campaigns import campaign
from campaigns.queries.responses import message_table
from reports.policy.figures import BOUNCE_CLASSES, Counts, Figures, figures
from tracking.queries import responses
from tracking.queries.responses import Credited


def campaign_figures(session: Session, campaign_id: int) -> Figures:
    """Return the figures of one campaign. Raises ``NotFound``."""
    info = campaign(session, campaign_id)
    return figures(counts(session, [campaign_id])[campaign_id], launched_at=info.launched_at, now=clock.now())


def counts(session: Session, campaign_ids: Collection[int], *, sent_since: datetime | None = None) -> dict[int, Counts]:
    """Return the counts of campaigns, of messages sent since ``sent_since`` where that is given.

    METRICS: sent is accepted by the relay; delivered is sent without a later final failure; opens and clicks are those
    of delivered messages that carried tracking.
    """
    found = _messages(session, campaign_ids, sent_since)
    untracked = Counter[int]()
    for each in responses.by_label(session, campaign_ids):
        if each.untracked and each.kind == "click" and each.label in responses.HUMAN:
            untracked[each.campaign_id] += each.events
    credited = responses.credited(session, campaign_ids)
    skipped = _skipped(session, campaign_ids)
    fetched_ahead = _fetched_ahead(session, campaign_ids, sent_since)
    result = {}
    for campaign_id in campaign_ids:
        counted = found.get(campaign_id, Counts())
        orders = credited.get(campaign_id, Credited(0, 0, Decimal(0)))
        people, opened = fetched_ahead.get(campaign_id, (0, 0))
        result[campaign_id] = replace(
            counted,
            not_prefetched=counted.tracked_delivered - people,
            not_prefetched_human_opens=counted.human_opens_unique - opened,
            untracked_clicks=untracked[campaign_id],
            conversions=orders.conversions,
            conversion_uniques=orders.people,
            conversion_value=orders.value,
            excluded=skipped.get(campaign_id, {}),
        )
    return result


_m = message_table().c
_ACCEPTED = _m.sent_at.is_not(None)
_FAILED = or_(_m.state == "failed", _m.failed_at.is_not(None))
_DELIVERED = and_(_ACCEPTED, _m.state == "sent", ~_FAILED)
_ATTEMPTED = or_(_ACCEPTED, and_(_FAILED, or_(_m.smtp_code.is_not(None), _m.bounce_class.is_not(None))))
_TRACKED = and_(_DELIVERED, _m.tracked)


def _messages(session: Session, campaign_ids: Collection[int], since: datetime | None) -> dict[int, Counts]:
    bounce = func.coalesce(_m.bounce_class, "undetermined")
    query = (
        select(
            _m.campaign_id,
            func.count().filter(_m.state.not_in(("skipped", "held_out"))),
            func.count().filter(_ATTEMPTED),
            func.count().filter(_ACCEPTED),
            func.count().filter(_m.state == "unknown"),
            func.count().filter(_DELIVERED),
            func.count().filter(_TRACKED),
            func.coalesce(func.sum(_m.opens).filter(_TRACKED), 0),
            func.count().filter(_TRACKED, _m.opened_at.is_not(None)),
            func.count().filter(_TRACKED, _m.human_opened_at.is_not(None)),
            func.count().filter(_TRACKED, _m.human_opened_at.is_not(None), _m.human_opens == 0),
            func.coalesce(func.sum(_m.clicks).filter(_TRACKED), 0),
            func.count().filter(_TRACKED, _m.clicked_at.is_not(None)),
            func.count().filter(_DELIVERED, _m.unsubscribed_at.is_not(None)),
            func.count().filter(_DELIVERED, _m.complained_at.is_not(None)),
            func.count().filter(_m.state == "held_out"),
            func.count().filter(_m.state == "cancelled"),
            *(func.count().filter(_ATTEMPTED, _FAILED, bounce == each) for each in BOUNCE_CLASSES),
        )
        .where(_m.campaign_id.in_(campaign_ids))
        .group_by(_m.campaign_id)
    )
    if since is not None:
        query = query.where(or_(_m.sent_at >= since, _m.failed_at >= since))
    return {row[0]: _counts(list(row[1:])) for row in session.execute(query)}


def _counts(row: list[int]) -> Counts:
    recipients, attempted, sent, unknown, delivered, tracked, opens, opened, human, inferred, *rest = map(int, row)
    clicks, clicked, unsubscribed, complained, held_out, cancelled, *bounces = rest
    return Counts(
        recipients=recipients,
        attempted=attempted,
        sent=sent,
        unknown=unknown,
        bounces=dict(zip(BOUNCE_CLASSES, bounces, strict=True)),
        delivered=delivered,
        tracked_delivered=tracked,
        opens=opens,
        opens_unique=opened,
        human_opens_unique=human,
        inferred_opens=inferred,
        clicks=clicks,
        clicks_unique=clicked,
        unsubscribes=unsubscribed,
        complaints=complained,
        held_out=held_out,
        cancelled=cancelled,
    )


def _skipped(session: Session, campaign_ids: Collection[int]) -> dict[int, dict[str, int]]:
    rows = session.execute(
        select(_m.campaign_id, func.coalesce(_m.reason, ""), func.count())
        .where(_m.campaign_id.in_(campaign_ids), _m.state == "skipped")
        .group_by(_m.campaign_id, _m.reason)
        .order_by(func.count().desc(), _m.reason)
    )
    found: dict[int, dict[str, int]] = {}
    for campaign_id, reason, number in rows:
        found.setdefault(campaign_id, {})[reason] = number
    return found


def _fetched_ahead(
    session: Session, campaign_ids: Collection[int], since: datetime | None
) -> dict[int, tuple[int, int]]:
    """Return, by campaign, how many tracked, delivered messages were fetched ahead, and how many of them a person
    opened nevertheless."""
    ahead = responses.prefetched(campaign_ids).subquery()
    query = (
        select(_m.campaign_id, func.count(), func.count(_m.human_opened_at))
        .select_from(ahead)
        .join(message_table(), and_(_m.campaign_id == ahead.c.campaign_id, _m.contact_id == ahead.c.contact_id))
        .where(_TRACKED)
        .group_by(_m.campaign_id)
    )
    if since is not None:
        query = query.where(_m.sent_at >= since)
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}
