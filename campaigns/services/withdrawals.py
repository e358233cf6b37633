"""What a permission link in a mail refers to, and what withdrawing through it leaves on the message."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from campaigns.models import Campaign, Message
from campaigns.policy import CampaignKind
from consent.services.withdraw import MailContext


def context(session: Session, campaign_id: int, contact_id: int) -> MailContext | None:
    """Return the mail that a permission token names, or None when it was never written."""
    row = session.execute(
        select(
            Campaign.brand_id, Campaign.topic_id, Message.language, Campaign.name, Campaign.kind, Message.address_key
        )
        .join(Message, Message.campaign_id == Campaign.id)
        .where(Message.campaign_id == campaign_id, Message.contact_id == contact_id)
    ).one_or_none()
    if row is None:
        return None
    return MailContext(
        brand_id=row.brand_id,
        topic_id=row.topic_id,
        language=row.language or "en",
        campaign_name=row.name,
        address_key=bytes(row.address_key) if row.address_key is not None else None,
        asks=row.kind == CampaignKind.REPERMISSION,
    )


def mark_unsubscribed(session: Session, contact_id: int, topic_ids: list[int], campaign_id: int | None) -> None:
    """Note on the message which campaign made somebody withdraw, once."""
    del topic_ids  # a withdrawal through this mail counts for it, whichever topics were ended
    if campaign_id is None:
        return
    session.execute(
        update(Message)
        .where(Message.campaign_id == campaign_id, Message.contact_id == contact_id, Message.unsubscribed_at.is_(None))
        .values(unsubscribed_at=clock.now())
    )
