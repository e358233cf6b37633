"""Orders and events from files: idempotent, whole or not at all, onto the customers they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ARRAY, Text, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.brands.queries.brands import BrandInfo
from app.core.errors import InvalidInput
from app.customers.policy import normalise
from app.customers.queries.contacts import contact_table
from app.customers.services import profile
from tracking.models import Order, SpoolPosition
from tracking.policy.hits import Hit
from tracking.services import attribution, files, temporary
from tracking.services.files import OrderRow
from tracking.services.record import MAX_BATCH, store

CHUNK = 2000


@dataclass(frozen=True)
class OrdersImported:
    """What an import did: orders added, already known, without a known buyer, and conversions credited or changed."""

    added: int
    known: int
    without_contact: int
    credited: int


@dataclass(frozen=True)
class EventsImported:
    """What an import did. ``dropped`` are events of people who may not be tracked, or of unknown messages."""

    recorded: int
    dropped: int
    already_imported: bool


def import_orders(session: Session, path: Path, brand: BrandInfo, source: str) -> OrdersImported:
    """Import orders of ``brand`` from a CSV or JSON Lines file; importing again changes nothing.

    Columns: order_id, email, at (ISO 8601), amount, currency, value (net, in the brand's currency), rate, refunds (the
    order_id that a negative row refunds), items. Raises ``InvalidInput`` with the line of the first bad row.
    """
    read: list[OrderRow] = []
    for line, row in files.rows(path, files.ORDER_COLUMNS):
        try:
            read.append(files.order(row, brand.currency))
        except (InvalidInput, ValueError) as error:
            raise InvalidInput(f"{path.name}, line {line}: {error}") from None
    people = _people(session, {order.email for order in read if order.email})
    added = without = 0
    # A refund needs the id of its order, so orders go first.
    for rows in ([row for row in read if not row.refunds], [row for row in read if row.refunds]):
        for start in range(0, len(rows), CHUNK):
            done = _insert(session, rows[start : start + CHUNK], people, brand, source)
            added += done[0]
            without += done[1]
    buyers = "SELECT DISTINCT contact_id FROM imported_order WHERE contact_id IS NOT NULL"
    temporary.make(
        session, "imported_order", 'SELECT contact_id FROM "order" WHERE source = :source', {"source": source}
    )
    credited = attribution.credit(session, buyers)
    totals(session, "order_total", buyers)
    profile.set_orders(session, "order_total")
    return OrdersImported(added, len(read) - added, without, credited)


def _people(session: Session, emails: set[str]) -> dict[str, int]:
    """Return the contact id for each address that a customer has."""
    keys: dict[str, str] = {}
    for email in emails:
        try:
            keys[email] = normalise(email).email_key
        except InvalidInput:
            continue  # an order of a shop is real even where its buyer's address is not
    contact = contact_table()
    found = dict(
        session.execute(
            select(contact.c.email_key, contact.c.id).where(
                contact.c.email_key == bindparam("keys", list(set(keys.values())), ARRAY(Text)).any_()
            )
        ).all()
    )
    return {email: found[key] for email, key in keys.items() if key in found}


def _insert(
    session: Session, rows: Sequence[OrderRow], people: dict[str, int], brand: BrandInfo, source: str
) -> tuple[int, int]:
    """Insert what is new; returns how many were, and how many of those have no known buyer."""
    refunded = {row.refunds for row in rows if row.refunds}
    originals = {
        row.external_id: row
        for row in session.execute(
            select(Order.external_id, Order.id, Order.contact_id).where(
                Order.source == source, Order.external_id.in_(refunded)
            )
        )
    }
    values = []
    for row in rows:
        original = originals.get(row.refunds)
        if row.refunds and original is None:
            raise InvalidInput(
                f"Order {row.external_id} refunds {row.refunds!r}, which is not known: import that first."
            )
        values.append(
            {
                "source": source,
                "external_id": row.external_id,
                "contact_id": people.get(row.email) or (original.contact_id if original else None),
                "brand_id": brand.id,
                "at": row.at,
                "amount": row.amount,
                "currency": row.currency,
                "rate": row.rate,
                "rate_date": row.at,
                "value": row.value,
                "refunds": original.id if original else None,
                "items": row.items,
            }
        )
    inserted = session.execute(
        insert(Order)
        .values(values)
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
        .returning(Order.contact_id)
    ).all()
    return len(inserted), sum(row.contact_id is None for row in inserted)


_TOTALS = """
SELECT contact_id, max(at) FILTER (WHERE refunds IS NULL) AS ordered_at,
    count(*) FILTER (WHERE refunds IS NULL) AS orders, sum(value) AS order_value
FROM "order" WHERE contact_id IN ({people}) GROUP BY contact_id
"""


def totals(session: Session, target: str, people: str, parameters: Mapping[str, object] | None = None) -> None:
    """Make the temporary table ``target``: contact_id, ordered_at, orders, order_value of the contacts of a query."""
    temporary.make(session, target, _TOTALS.format(people=people), parameters)


def import_events(session: Session, path: Path) -> EventsImported:
    """Import opens and clicks from a CSV or JSON Lines file; the same file again changes nothing.

    Columns: kind, campaign, email, link, at, user_agent, ip, method. Events pass the same gate as the spool's: those of
    people who may not be tracked are dropped. Raises ``InvalidInput`` with the line of the first bad row.
    """
    name = f"import:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    if session.get(SpoolPosition, name) is not None:
        return EventsImported(0, 0, True)
    read = []
    for line, row in files.rows(path, files.EVENT_COLUMNS):
        try:
            read.append(files.event(row))
        except InvalidInput as error:
            raise InvalidInput(f"{path.name}, line {line}: {error}") from None
    people = _people(session, {event.email for event in read if event.email})
    hits = [
        Hit(
            int(event.at.timestamp() * 1_000_000),
            event.kind,
            event.campaign_id,
            people[event.email] if event.email else 0,
            event.link_n,
            event.method,
            "",
            event.address,
            event.agent,
        )
        for event in read
        if not event.email or event.email in people
    ]
    kept = sum(store(session, hits[start : start + MAX_BATCH]).kept for start in range(0, len(hits), MAX_BATCH))
    session.add(SpoolPosition(spool=name, position=len(read)))
    return EventsImported(kept, len(read) - kept, False)
