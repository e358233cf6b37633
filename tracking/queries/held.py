"""What tracking holds of a person, for their export (GDPR 15, 20)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracking.models import Event, InboundMail, Order


def events(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return every recorded open and click of a person, as JSON, oldest first."""
    rows = session.scalars(select(Event).where(Event.contact_id == contact_id).order_by(Event.at, Event.id))
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
