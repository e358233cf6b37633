"""What other systems must honour: suppressed addresses by digest, and withdrawals for those the data was passed to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.brands.queries.brands import brand_table
from app.core.secrets import address_sha256
from app.customers.policy import normalise
from app.customers.services.exporting import guard_formula
from consent.models import Suppression
from consent.queries.suppressions import active
from consent.queries.topics import topic_table

SUPPRESSED = ("sha256", "reason", "scope", "brand", "topic", "since", "until")
WITHDRAWN = ("at", "action", "brand", "topic", "sha256", "email")
Row = dict[str, str]


def suppressed(session: Session, reasons: Collection[str] = ()) -> Iterator[Row]:
    """Yield the active suppressions of addresses whose SHA-256 is kept, oldest first; of one erased none is.

    ``reasons`` narrows them. Columns are those of ``SUPPRESSED``, blank where nothing is to be said.
    """
    brand, topic = brand_table(), topic_table()
    query = (
        select(Suppression, brand.c.slug, topic.c.slug)
        .outerjoin(brand, brand.c.id == Suppression.brand_id)
        .outerjoin(topic, topic.c.id == Suppression.topic_id)
        .where(active(), Suppression.sha256.is_not(None))
        .order_by(Suppression.id)
    )
    if reasons:
        query = query.where(Suppression.reason.in_(reasons))
    for row, brand_slug, topic_slug in session.execute(query.execution_options(yield_per=5000)):
        yield {
            "sha256": row.sha256.hex(),
            "reason": row.reason,
            "scope": row.scope,
            "brand": brand_slug or "",
            "topic": topic_slug or "",
            "since": row.created_at.isoformat(timespec="seconds"),
            "until": row.until.isoformat(timespec="seconds") if row.until else "",
        }


# An entry counts while it is what stands. People are named by each address that they have or had, since it is not known
# which of them was passed on; of those erased none is left.
_WITHDRAWN = """
SELECT e.recorded_at AS at, e.action, coalesce(b.slug, tb.slug, '') AS brand, coalesce(t.slug, '') AS topic, a.email
FROM permission_event e
JOIN contact c ON c.id = e.contact_id AND c.erased_at IS NULL
LEFT JOIN topic t ON t.id = e.topic_id
LEFT JOIN brand tb ON tb.id = t.brand_id
LEFT JOIN brand b ON b.id = e.brand_id
CROSS JOIN LATERAL (
    SELECT c.email WHERE c.email IS NOT NULL
    UNION SELECT h.email FROM contact_address h WHERE h.contact_id = c.id
) a
WHERE e.recorded_at >= :since AND e.state = 'withdrawn' AND (
    EXISTS (SELECT FROM permission p
            WHERE p.contact_id = e.contact_id AND p.topic_id = e.topic_id AND p.event_id = e.id)
    OR EXISTS (SELECT FROM tracking_permission p
               WHERE p.contact_id = e.contact_id AND p.brand_id = e.brand_id AND p.event_id = e.id)
    OR e.action = 'object' AND c.objected_at IS NOT NULL
    OR e.action = 'complain' AND c.complained_at IS NOT NULL)
ORDER BY e.recorded_at, e.id, a.email
"""


def withdrawn(session: Session, since: datetime, *, clear: bool = False) -> Iterator[Row]:
    """Yield what people withdrew or objected to since then and did not permit again (GDPR 19, 21).

    Columns are those of ``WITHDRAWN``; ``email`` is blank unless addresses are wanted in clear.
    """
    rows: Any = session.execute(text(_WITHDRAWN), {"since": since}, execution_options={"yield_per": 5000})
    for row in rows:
        yield {
            "at": row.at.isoformat(timespec="seconds"),
            "action": row.action,
            "brand": row.brand,
            "topic": row.topic,
            "sha256": address_sha256(normalise(row.email).email_key).hex(),
            "email": row.email if clear else "",
        }


def csv_lines(columns: Collection[str], rows: Iterator[Row]) -> Iterator[str]:
    """Yield rows as CSV with titles, no cell of which a spreadsheet runs as a formula."""
    yield ",".join(columns) + "\r\n"
    for row in rows:
        yield ",".join(_cell(row[name]) for name in columns) + "\r\n"


def _cell(value: str) -> str:
    safe = guard_formula(value)
    return '"' + safe.replace('"', '""') + '"' if any(mark in safe for mark in ',"\r\n') else safe
