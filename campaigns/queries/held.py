"""What campaigns hold of a person, for their export (GDPR 15, 20)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Message

_TIMES = ("sent_at", "failed_at", "opened_at", "human_opened_at", "clicked_at", "unsubscribed_at", "complained_at")
_PLAIN = ("campaign_id", "state", "reason", "language", "tracked", "opens", "clicks", "bounce_class", "reply")


def messages(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return every message that a person was in the audience of, as JSON, oldest campaign first."""
    rows = session.execute(
        select(Campaign.name, Message)
        .join(Message, Message.campaign_id == Campaign.id)
        .where(Message.contact_id == contact_id)
        .order_by(Campaign.id)
    )
    return [_message(name, message) for name, message in rows]


def _message(campaign: str, message: Message) -> dict[str, object]:
    times = {name: getattr(message, name) for name in _TIMES}
    return {
        "campaign": campaign,
        **{name: getattr(message, name) for name in _PLAIN},
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
    }
