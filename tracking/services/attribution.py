"""Crediting orders to campaigns: last touch, a human click within five days; a refund goes where its order went.

Like all folds it depends on events and orders alone: a click that comes in late credits an order that was already
there, and crediting again changes nothing.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracking.policy.attribution import CLICK_WINDOW
from tracking.services import seal, temporary

# The latest human click before each order, among campaigns of the order's brand; then refunds by their order. Of sealed
# clicks the first and last to each link are known, and those that were credited while they were there.
_CREDITED = """
WITH people AS ({people}),
clicked AS (
    SELECT o.id AS order_id, o.at AS ordered_at, o.value, m.campaign_id, m.contact_id
    FROM "order" o
    JOIN people USING (contact_id)
    JOIN message m ON m.contact_id = o.contact_id AND m.clicked_at <= o.at
    JOIN campaign c ON c.id = m.campaign_id AND c.brand_id = o.brand_id
    WHERE o.refunds IS NULL
),
touch AS (
    SELECT clicked.*, e.at, false AS sealed
    FROM clicked
    JOIN event e USING (campaign_id, contact_id)
    WHERE e.kind = 'click' AND e.label IN ('human', 'repeat')
        AND e.at BETWEEN ordered_at - CAST(:window AS interval) AND ordered_at
    UNION ALL
    SELECT clicked.*, s.at, true
    FROM clicked
    JOIN LATERAL (
        SELECT unnest(ARRAY[first_at, last_at]) AS at FROM event_seal s
        WHERE s.campaign_id = clicked.campaign_id AND s.contact_id = clicked.contact_id
            AND s.kind = 'click' AND s.label IN ('human', 'repeat')
        UNION ALL
        SELECT clicked_at FROM conversion v
        WHERE v.order_id = clicked.order_id AND v.campaign_id = clicked.campaign_id AND v.sealed
    ) AS s ON s.at BETWEEN ordered_at - CAST(:window AS interval) AND ordered_at
),
bought AS (
    SELECT DISTINCT ON (order_id) order_id, campaign_id, contact_id, 'click' AS reason, ordered_at AS credited_at,
        value, at AS clicked_at, sealed
    FROM touch ORDER BY order_id, at DESC, campaign_id DESC, sealed
)
SELECT * FROM bought
UNION ALL
SELECT r.id, b.campaign_id, b.contact_id, b.reason, r.at, r.value, b.clicked_at, b.sealed
FROM "order" r JOIN bought b ON b.order_id = r.refunds
"""

_REMOVED = """
DELETE FROM conversion c USING "order" o
WHERE c.order_id = o.id AND o.contact_id IN ({people}) AND c.order_id NOT IN (SELECT order_id FROM {target})
"""

_COLUMNS = ("order_id", "campaign_id", "contact_id", "reason", "credited_at", "value", "clicked_at", "sealed")
_WRITTEN = f"""
INSERT INTO conversion AS c ({", ".join(_COLUMNS)}) SELECT {", ".join(_COLUMNS)} FROM {{target}} ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}
WHERE ({", ".join(f"c.{name}" for name in _COLUMNS[1:])}) IS DISTINCT FROM
    ({", ".join(f"excluded.{name}" for name in _COLUMNS[1:])})
"""  # noqa: S608


def credit(session: Session, people: str) -> int:
    """Credit anew all orders of the contacts that the query ``people`` (one column, contact_id) gives.

    Returns how many conversions were added, changed or taken away. Nobody may seal the clicks meanwhile.
    """
    seal.lock(session)
    names = {"people": people, "target": "fold_credit"}
    temporary.make(session, "fold_credit", _CREDITED.format(**names), {"window": CLICK_WINDOW})
    removed = session.execute(text(_REMOVED.format(**names)))
    written = session.execute(text(_WRITTEN.format(**names)))
    return int(removed.rowcount) + int(written.rowcount)  # type: ignore[attr-defined]
