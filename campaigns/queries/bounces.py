"""What came back to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from app.core import clock
from campaigns.models import Message
from campaigns.policy import MessageState

_PROVISIONAL = timedelta(hours=72)  # that a delivered mail may still come back (METRICS, delivered)


def address_key(session: Session, campaign_id: int, contact_id: int) -> bytes | None:
    """Return the key of the address that a message went to; None for one that was not sent, or whose person is gone."""
    message = session.get(Message, (campaign_id, contact_id))
    tried = (MessageState.CLAIMED, MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED)
    if message is None or message.state not in tried or message.address_key is None:
        return None
    return bytes(message.address_key)


def soft_bounces(
    session: Session, contact_ids: Sequence[int], since: datetime
) -> Iterator[tuple[bytes, list[datetime]]]:
    """Yield, for each address that mail to these contacts went to, when it bounced softly since a moment and since the
    last mail that arrived there."""
    later = aliased(Message)
    arrived = exists().where(
        later.contact_id == Message.contact_id,
        later.address_key == Message.address_key,
        later.state == MessageState.SENT.value,
        later.failed_at.is_(None),
        later.sent_at > Message.failed_at,
        later.sent_at < clock.now() - _PROVISIONAL,
    )
    rows = session.execute(
        select(Message.address_key, func.array_agg(Message.failed_at))
        .where(
            Message.contact_id.in_(contact_ids),
            Message.bounce_class == "soft",
            Message.failed_at > since,
            Message.address_key.is_not(None),
            ~arrived,
        )
        .group_by(Message.contact_id, Message.address_key)
    )
    for key, times in rows:
        if key is not None:
            yield bytes(key), sorted(at for at in times if at is not None)
