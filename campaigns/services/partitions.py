"""Partitions of ``message``, made ahead of the campaigns that need them."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from campaigns.models import CAMPAIGNS_PER_PARTITION, Campaign


def ensure_ahead(session: Session) -> None:
    """Make the partition of the newest campaign and the two after it."""
    newest = session.scalar(select(func.max(Campaign.id))) or 1
    for step in range(3):
        ensure(session, newest + step * CAMPAIGNS_PER_PARTITION)


def ensure(session: Session, campaign_id: int) -> None:
    """Make the partition of a campaign unless it is there."""
    session.execute(text("SELECT ensure_message_partition(:id)"), {"id": campaign_id})


def analyse(session: Session, campaign_id: int) -> None:
    """Tell the planner about a campaign's messages now; autovacuum would do it after a minute of wrong plans."""
    first = campaign_id // CAMPAIGNS_PER_PARTITION * CAMPAIGNS_PER_PARTITION
    session.execute(text(f"ANALYZE message_p{first:d}"))
