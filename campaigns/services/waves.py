"""The waves of a re-permission campaign: judged, then released one a day, the most engaged people first.

Its messages are those of any campaign. They begin as deferred without a time, which no pump claims; a wave gives some
of them the present time. So a day without workers is made up by no double wave, and a pause holds all that is left.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from campaigns.models import Campaign, Message, Repermission
from campaigns.policy import NO_NEED, CampaignKind, CampaignStatus, MessageState, breach
from campaigns.queries import waves as queries
from campaigns.services.control import pause
from campaigns.services.pumping import settle, start_pumps

RHYTHM = timedelta(days=1)
_PROBLEMS = {
    "complaints": "Too many of those asked complained: {complaints} of {delivered} delivered. Nobody else is asked.",
    "bounces": "Too many mails came back: {bounces} of {attempted} tried. Nobody else is asked.",
}


def tend(session: Session, campaign_id: int) -> None:
    """Stop a campaign whose mails are not welcome, or release its next wave when a day has passed."""
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None or campaign.status != CampaignStatus.SENDING or campaign.kind != CampaignKind.REPERMISSION:
        return
    row = session.get_one(Repermission, campaign_id, with_for_update=True, populate_existing=True)
    sample = queries.sample(session, campaign_id, row.judged_from)
    reason = breach(queries.of_row(row), sample)
    if reason is not None:
        row.stopped_for = reason
        pause(session, campaign_id, _PROBLEMS[reason].format(**vars(sample)))
    elif row.next_wave_at is None or row.next_wave_at <= clock.now():
        release(session, campaign)
        settle(session, campaign_id)


def release(session: Session, campaign: Campaign) -> None:
    """Let the next wave go. Who needs no asking any more is left out for good."""
    row = session.get_one(Repermission, campaign.id)
    now = clock.now()
    waiting = (
        Message.campaign_id == campaign.id,
        Message.state == MessageState.DEFERRED.value,
        Message.due_at.is_(None),
    )
    needing = queries.needing(queries.of_row(row), campaign.topic_id, now)
    session.execute(
        update(Message)
        .where(*waiting, Message.contact_id.not_in(needing))
        .values(state=MessageState.SKIPPED.value, reason=NO_NEED)
        .execution_options(synchronize_session=False)
    )
    wave = queries.next_wave(campaign.id, row.per_day).cte("wave").prefix_with("MATERIALIZED")
    released = session.execute(
        update(Message)
        .where(*waiting, Message.contact_id.in_(select(wave.c.contact_id)))
        .values(due_at=now)
        .returning(Message.contact_id)
        .execution_options(synchronize_session=False)
    ).all()
    if row.judged_from is None:
        row.judged_from = now
    row.next_wave_at = now + RHYTHM
    session.flush()
    if released:
        start_pumps(session, campaign.id)
