"""Why people leave, when they care to say it: one answer for a person, a brand and a mail; the latest one counts."""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.queries.contacts import contact
from consent.models import LeavingReason
from consent.policy.ladder import State
from consent.policy.leaving import LONGEST_COMMENT, PERSONAL, REASONS
from consent.queries import permissions, topics


def say_why(
    session: Session, contact_id: int, brand_id: int, campaign_id: int | None, reason: str, comment: str = ""
) -> None:
    """Keep why somebody left. Nothing is kept of a reason that is not offered, or of somebody who withdrew nothing."""
    if reason not in REASONS or not _left(session, contact_id, brand_id):
        return
    said = {"reason": reason, "comment": comment.replace("\0", "").strip()[:LONGEST_COMMENT]}
    statement = insert(LeavingReason).values(
        contact_id=contact_id, brand_id=brand_id, campaign_id=campaign_id or 0, created_at=clock.now(), **said
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["contact_id", "brand_id", "campaign_id"], set_=said)
    )


def take_back(session: Session, contact_id: int, brand_id: int, campaign_id: int | None) -> None:
    """Forget why somebody left by a mail, because they did not."""
    session.execute(
        delete(LeavingReason).where(
            LeavingReason.contact_id == contact_id,
            LeavingReason.brand_id == brand_id,
            LeavingReason.campaign_id == (campaign_id or 0),
        )
    )


def detach(session: Session) -> int:
    """Leave only the count of what was said more than a year ago. Returns of how many."""
    statement = (
        update(LeavingReason)
        .where(LeavingReason.created_at < clock.now() - PERSONAL, LeavingReason.contact_id.is_not(None))
        .values(contact_id=None, comment="")
        .returning(LeavingReason.id)
    )
    return len(session.execute(statement).all())


def forget(session: Session, contact_id: int) -> None:
    """Leave only the count of what an erased person said."""
    session.execute(
        update(LeavingReason).where(LeavingReason.contact_id == contact_id).values(contact_id=None, comment="")
    )


def _left(session: Session, contact_id: int, brand_id: int) -> bool:
    if contact(session, contact_id).objected_at is not None:
        return True
    known = permissions.of_contact(session, contact_id)
    return any(
        topic.id in known and known[topic.id].state is State.WITHDRAWN
        for topic in topics.topics(session, brand_id, archived=True)
    )
