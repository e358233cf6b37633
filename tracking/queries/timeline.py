"""What a contact bought, for their timeline. Their opens and clicks are told by their messages (``campaigns``)."""

from __future__ import annotations

from flask_babel import format_currency
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.brands.queries.brands import brand_table
from app.customers.queries.timeline import TimelineEntry
from tracking.models import Order


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
    return [
        TimelineEntry(
            order.at,
            "ordered" if order.refunds is None else "refunded",
            "shopping-cart" if order.refunds is None else "receipt",
            _("Ordered") if order.refunds is None else _("Got a refund"),
            f"{format_currency(order.value, currency)} · {name} · {order.external_id}",
        )
        for order, name, currency in rows
    ]
