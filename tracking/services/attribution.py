"""Crediting orders to campaigns: last touch, a human click within five days; a refund goes where its order went.

Like all folds it depends on events and orders alone: a click that comes in late credits an order that was already
there, and crediting again changes nothing.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracking.policy.attribution import CLICK_WINDOW
from tracking.services import temporary

# The latest human click before each order, among campaigns of the order's brand; then refunds by their order.
_CREDITED = """
WITH people AS ({people}),
bought AS (
    SELECT DISTINCT ON (o.id) o.id AS order_id, e.campaign_id, o.contact_id, 'click' AS reason, o.at AS credited_at,
        o.value
    FROM "order" o
    JOIN people USING (contact_id)
    JOIN message m ON m.contact_id = o.contact_id AND m.clicked_at <= o.at
    JOIN campaign c ON c.id = m.campaign_id AND c.brand_id = o.brand_id
    JOIN event e ON e.campaign_id = m.campaign_id AND e.contact_id = m.contact_id AND e.kind = 'click'
        AND e.label IN ('human', 'repeat') AND e.at BETWEEN o.at - :window AND o.at
    WHERE o.refunds IS NULL
    ORDER BY o.id, e.at DESC, e.campaign_id DESC
)
SELECT * FROM bought
UNION ALL
SELECT r.id, b.campaign_id, b.contact_id, b.reason, r.at, r.value FROM "order" r JOIN bought b ON b.order_id = r.refunds
"""

_REMOVED = """
DELETE FROM conversion c USING "order" o
WHERE c.order_id = o.id AND o.contact_id IN ({people}) AND c.order_id NOT IN (SELECT order_id FROM {target})
"""

_WRITTEN = """
INSERT INTO conversion AS c (order_id, campaign_id, contact_id, reason, credited_at, value)
SELECT order_id, campaign_id, contact_id, reason, credited_at, value FROM {target} ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET campaign_id = excluded.campaign_id, contact_id = excluded.contact_id,
    reason = excluded.reason, credited_at = excluded.credited_at, value = excluded.value
WHERE (c.campaign_id, c.contact_id, c.reason, c.credited_at, c.value) IS DISTINCT FROM
    (excluded.campaign_id, excluded.contact_id, excluded.reason, excluded.credited_at, excluded.value)
"""


def credit(session: Session, people: str) -> int:
    """Credit anew all orders of the contacts that the query ``people`` (one column, contact_id) gives.

    Returns how many conversions were added, changed or taken away.
    """
    names = {"people": people, "target": "fold_credit"}
    temporary.make(session, "fold_credit", _CREDITED.format(**names), {"window": CLICK_WINDOW})
    removed = session.execute(text(_REMOVED.format(**names)))
    written = session.execute(text(_WRITTEN.format(**names)))
    return int(removed.rowcount) + int(written.rowcount)  # type: ignore[attr-defined]
