"""Rebuilding every fold from ``event``, ``order`` and the sealed baselines: the proof that the running folds are right
(promise 5)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers.services import profile
from campaigns.services import responses
from tracking.services import attribution, fold, orders, seal, temporary

# Events not yet folded are not counted anywhere yet, so they do not count here either.
_FOLDED = f"(SELECT e.* FROM event e WHERE {fold.COUNTED}) AS e"  # noqa: S608
_RESPONSES = fold.RESPONSES.format(raw=f"{_FOLDED} WHERE e.contact_id IS NOT NULL", sealed="event_seal AS s")

_ROLLUP = f"""
SELECT campaign_id, cell, kind, label, link_n, untracked, sum(events) AS events, sum(sealed) AS sealed
FROM (
    SELECT campaign_id, {seal.CELL.format(at="at")} AS cell, kind, label, coalesce(link_n, -1) AS link_n,
        contact_id IS NULL AS untracked, 1 AS events, 0 AS sealed FROM {_FOLDED}
    UNION ALL
    SELECT campaign_id, cell, kind, label, link_n, untracked, sealed, sealed FROM rollup WHERE sealed > 0
) AS said GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608
_KEY = "(campaign_id, cell, kind, label, link_n, untracked)"
_EXTRA = f"DELETE FROM rollup WHERE {_KEY} NOT IN (SELECT {_KEY[1:-1]} FROM rebuilt_rollup)"  # noqa: S608
_MISSING = f"""
INSERT INTO rollup AS r (campaign_id, cell, kind, label, link_n, untracked, events, sealed) SELECT * FROM rebuilt_rollup
ON CONFLICT {_KEY} DO UPDATE SET events = excluded.events WHERE r.events <> excluded.events
"""  # noqa: S608


_ALL: dict[str, object] = {"ids": []}  # no batch is being folded: what is not folded is left out
_BUYERS = 'SELECT DISTINCT contact_id FROM "order" WHERE contact_id IS NOT NULL'

_PROFILE = """
SELECT contact_id, max(last_opened_at) AS opened_at, max(last_clicked_at) AS clicked_at,
    sum(human_opens) AS opens, sum(clicks) AS clicks
FROM rebuilt_response GROUP BY contact_id HAVING max(last_opened_at) IS NOT NULL
"""


@dataclass(frozen=True)
class Differences:
    """How many rows of each fold were not as the events say (and now are)."""

    messages: int
    rollups: int
    profiles: int
    conversions: int

    @property
    def total(self) -> int:
        """All differences together; 0 is what is expected."""
        return sum(getattr(self, each.name) for each in fields(self))


def rebuild(session: Session) -> Differences:
    """Recompute every fold from the folded events, seals and all orders, mend what differs and say how much did."""
    seal.lock(session)
    temporary.make(session, "rebuilt_response", _RESPONSES, _ALL)
    messages = responses.apply(session, "rebuilt_response") + responses.reset_others(session, "rebuilt_response")
    temporary.make(session, "rebuilt_rollup", _ROLLUP, _ALL)
    rollups = int(session.execute(text(_EXTRA)).rowcount)  # type: ignore[attr-defined]
    rollups += int(session.execute(text(_MISSING)).rowcount)  # type: ignore[attr-defined]
    temporary.make(session, "rebuilt_profile", _PROFILE)
    conversions = attribution.credit(session, _BUYERS)
    orders.totals(session, "rebuilt_order", _BUYERS)
    profiles = profile.set_responses(session, "rebuilt_profile") + profile.set_orders(session, "rebuilt_order")
    profiles += profile.reset_others(session, "rebuilt_profile", "rebuilt_order")
    return Differences(messages, rollups, profiles, conversions)


def refold(session: Session, contact_ids: list[int]) -> None:
    """Make the profiles of some people anew from what is folded, as ``rebuild`` would."""
    people: dict[str, object] = {"contacts": contact_ids}
    temporary.make(session, "refolded", fold.EXACT, people | _ALL)
    profile.set_responses(session, "refolded")
    orders.totals(session, "refolded_order", "SELECT unnest(CAST(:contacts AS bigint[]))", people)
    profile.set_orders(session, "refolded_order")
