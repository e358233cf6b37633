"""What the ledger says in answer to a campaign."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from consent.models import PermissionEvent
from consent.policy.standing import Action, Subject


def answers(campaign_id: int) -> Select[int, str]:
    """Return a SELECT of (contact_id, action), the latest of each contact: what a re-permission campaign was answered,
    ``confirm``, or ``silence`` for who let the time pass."""
    event = PermissionEvent
    return (
        select(event.contact_id, event.action)
        .ext(distinct_on(event.contact_id))
        .where(
            event.campaign_id == campaign_id,
            event.subject == Subject.TOPIC.value,
            event.action.in_((Action.CONFIRM.value, Action.SILENCE.value)),
        )
        .order_by(event.contact_id, event.seq.desc())
    )


def answered(session: Session, campaign_id: int, contact_id: int) -> bool:
    """Tell whether the latest answer of a contact to a re-permission campaign is a yes."""
    given = answers(campaign_id).subquery()
    return session.scalar(select(given.c.action).where(given.c.contact_id == contact_id)) == Action.CONFIRM.value
