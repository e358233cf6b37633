"""What a contact bought and answered, for their timeline. Opens and clicks are told by ``campaigns``."""

from __future__ import annotations

from flask_babel import format_currency
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.brands.queries.brands import brand_table
from app.customers.queries.timeline import TimelineEntry
from campaigns.queries.responses import campaign_table
from tracking.models import InboundMail, Order
from tracking.policy.returns import Outcome


def entries(session: Session, contact_id: int, limit: int) -> list[TimelineEntry]:
    """Return the latest orders and refunds of a contact, latest first."""
    brand = brand_table()
    rows = session.execute(
        select(Order, brand.c.name, brand.c.currency)
        .join(brand, brand.c.id == Order.brand_id)
        .where(Order.contact_id == contact_id)
        .order_by(Order.at.desc())
        .limit(limit)
    )
    return _answers(session, contact_id, limit) + [
        TimelineEntry(
            order.at,
            "ordered" if order.refunds is None else "refunded",
            "shopping-cart" if order.refunds is None else "receipt",
            _("Ordered") if order.refunds is None else _("Got a refund"),
            f"{format_currency(order.value, currency)} · {name} · {order.external_id}",
        )
        for order, name, currency in rows
    ]


def _answers(session: Session, contact_id: int, limit: int) -> list[TimelineEntry]:
    """Return when a contact answered a mail; what they wrote is where it was delivered."""
    campaign = campaign_table()
    rows = session.execute(
        select(InboundMail.at, InboundMail.campaign_id, campaign.c.name)
        .join(campaign, campaign.c.id == InboundMail.campaign_id)
        .where(InboundMail.contact_id == contact_id, InboundMail.outcome == Outcome.REPLY.value)
        .order_by(InboundMail.at.desc())
        .limit(limit)
    )
    return [
        TimelineEntry(at, "replied", "message-reply", _("Answered a mail"), name, f"/campaigns/{campaign_id}")
        for at, campaign_id, name in rows
    ]
