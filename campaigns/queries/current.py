"""What the campaigns that are on their way consist of, for the operator's figures."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Message
from campaigns.policy import CampaignStatus

ON_THEIR_WAY = (CampaignStatus.LAUNCHING, CampaignStatus.SENDING, CampaignStatus.PAUSED)


def messages_by_state(session: Session) -> dict[str, int]:
    """Return how many messages of running and paused campaigns are in each state; finished ones are left out, so that
    the figure stays cheap."""
    running = select(Campaign.id).where(Campaign.status.in_([status.value for status in ON_THEIR_WAY]))
    rows = session.execute(
        select(Message.state, func.count()).where(Message.campaign_id.in_(running)).group_by(Message.state)
    )
    return {str(state): int(count) for state, count in rows}
