"""What tracking holds of a person, for their export (GDPR 15, 20)."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from campaigns.queries.responses import message_table
from tracking.models import Event, EventSeal, InboundMail, Order


def events(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return every recorded open and click of a person that is kept one by one, as JSON, oldest first."""
    query = select(Event).where(Event.contact_id == contact_id, Event.campaign_id.in_(_written_to(contact_id)))
    rows = session.scalars(query.order_by(Event.at, Event.id))
    return [
        {
            "at": row.at.isoformat(),
            "kind": row.kind,
            "campaign": row.campaign_id,
            "link": row.link_n,
            "agent": row.agent_family,
            "device": row.device,
            "label": row.label,
            "reason": row.label_reason,
        }
        for row in rows
    ]


def sealed_events(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return what is known of older opens and clicks of a person, which are only kept added up, as JSON."""
    theirs = (EventSeal.contact_id == contact_id, EventSeal.campaign_id.in_(_written_to(contact_id)))
    rows = session.scalars(select(EventSeal).where(*theirs).order_by(EventSeal.first_at, EventSeal.last_at))
    return [
        {
            "kind": row.kind,
            "campaign": row.campaign_id,
            "link": row.link_n if row.link_n >= 0 else None,
            "label": row.label,
            "times": row.events,
            "first_at": row.first_at.isoformat(),
            "last_at": row.last_at.isoformat(),
        }
        for row in rows
    ]


def _written_to(contact_id: int) -> Select[int]:
    """Return a SELECT of the campaigns that had a person; events are found by campaign, then person."""
    message = message_table()
    return select(message.c.campaign_id).where(message.c.contact_id == contact_id)


def orders(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return every order of a person, as JSON, oldest first."""
    rows = session.scalars(select(Order).where(Order.contact_id == contact_id).order_by(Order.at, Order.id))
    return [
        {
            "at": row.at.isoformat(),
            "order": row.external_id,
            "source": row.source,
            "amount": str(row.amount),
            "currency": row.currency,
            "items": row.items,
        }
        for row in rows
    ]


def answers(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return what came back by mail from or about a person, as JSON, oldest first; the mails are not kept."""
    rows = session.scalars(select(InboundMail).where(InboundMail.contact_id == contact_id).order_by(InboundMail.at))
    return [{"at": row.at.isoformat(), "campaign": row.campaign_id, "outcome": row.outcome} for row in rows]
