"""The fold: from drained batches to labels, ``message``, ``rollup``, ``contact_profile`` and ``conversion``.

One transaction folds some batches and marks them folded, under one lock, so hosts may compete and each batch counts
once. What is written depends on the events alone: labels are judged over all events of a message, firsts are minima,
counts are counted anew for the messages touched, rollup cells move by what was added or relabelled. So batches may
be cut and ordered in any way, and ``rebuild`` finds no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.services import profile
from campaigns.queries.responses import link_table
from campaigns.services import responses
from tracking.policy import classify
from tracking.policy.classify import Features, Verdict
from tracking.services import attribution, temporary
from tracking.services.seal import CELL, LOCK

SETTLE = timedelta(seconds=3)  # robots show by what else they fetch
ROUND_EVENTS = 100_000

# Events of batches that are folded, or are being folded in this round; a batch becomes visible whole.
COUNTED = """NOT EXISTS (
    SELECT FROM event_batch b
    WHERE b.id = e.batch_id AND b.folded_at IS NULL AND b.id <> ALL(CAST(:ids AS bigint[])))"""

_OF_TOUCHED = "event_seal AS s JOIN fold_touched USING (campaign_id, contact_id)"

# A message whose outcome was not written yet when its events were folded gets their delay when it is.
_LATE = """
SELECT e.campaign_id, e.contact_id FROM event e JOIN message m USING (campaign_id, contact_id)
WHERE e.delay_s IS NULL AND e.contact_id IS NOT NULL AND e.at > :recently AND m.sent_at IS NOT NULL
"""

_TOUCHED = f"""
SELECT campaign_id, contact_id FROM event
WHERE batch_id = ANY(CAST(:ids AS bigint[])) AND at BETWEEN :first AND :last AND contact_id IS NOT NULL
UNION {_LATE}"""  # noqa: S608

_EVENTS = f"""
SELECT e.at, e.id, e.campaign_id, e.contact_id, e.kind, e.link_n, e.method, e.agent_family, e.network_class, e.hint,
    e.label, e.label_reason, e.label AS old_label, e.batch_id = ANY(CAST(:ids AS bigint[])) AS fresh,
    coalesce(e.delay_s, greatest(0, extract(epoch FROM e.at - m.sent_at))::integer) AS delay_s,
    e.delay_s IS NULL AND m.sent_at IS NOT NULL AS delay_is_new
FROM fold_touched t
JOIN event e USING (campaign_id, contact_id)
LEFT JOIN message m USING (campaign_id, contact_id)
WHERE {COUNTED}
"""  # noqa: S608

# Raw events and seals have one shape: so many of a kind and label, the first, the last.
_RAW = "e.kind, e.label, e.at AS first_at, e.at AS last_at, 1 AS events"
_SEALED = "s.kind, s.label, s.first_at, s.last_at, s.events"

RESPONSES = f"""
SELECT campaign_id, contact_id, min(first_at) AS first_at,
    min(first_at) FILTER (WHERE kind = 'open') AS opened_at,
    min(first_at) FILTER (WHERE label = 'human') AS human_opened_at,
    min(first_at) FILTER (WHERE kind = 'click' AND label = 'human') AS clicked_at,
    max(last_at) FILTER (WHERE label = 'human') AS last_opened_at,
    max(last_at) FILTER (WHERE kind = 'click' AND label = 'human') AS last_clicked_at,
    coalesce(sum(events) FILTER (WHERE kind = 'open'), 0)::integer AS opens,
    coalesce(sum(events) FILTER (WHERE kind = 'open' AND label = 'human'), 0)::integer AS human_opens,
    coalesce(sum(events) FILTER (WHERE kind = 'click' AND label = 'human'), 0)::integer AS clicks
FROM (
    SELECT e.campaign_id, e.contact_id, {_RAW} FROM {{raw}}
    UNION ALL
    SELECT s.campaign_id, s.contact_id, {_SEALED} FROM {{sealed}}
) AS said GROUP BY campaign_id, contact_id
"""  # noqa: S608

_ROLLUP = f"""
INSERT INTO rollup AS r (campaign_id, cell, kind, label, link_n, untracked, events)
SELECT campaign_id, {CELL.format(at="at")}, kind, label, coalesce(link_n, -1), untracked, sum(n)
FROM (
    SELECT campaign_id, at, kind, label, link_n, false AS untracked, 1 AS n FROM fold_event
    WHERE fresh OR label <> old_label
    UNION ALL
    SELECT campaign_id, at, kind, old_label, link_n, false, -1 FROM fold_event WHERE NOT fresh AND label <> old_label
    UNION ALL
    SELECT campaign_id, at, kind, label, link_n, true, 1 FROM event
    WHERE batch_id = ANY(CAST(:ids AS bigint[])) AND at BETWEEN :first AND :last AND contact_id IS NULL
) AS change
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0
ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (campaign_id, cell, kind, label, link_n, untracked) DO UPDATE SET events = r.events + excluded.events
"""  # noqa: S608


def fold(session: Session, *, settled: timedelta = SETTLE, most: int = ROUND_EVENTS) -> int:
    """Fold what was drained ``settled`` ago or earlier, up to about ``most`` events; returns how many events.

    Does nothing while another process folds.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    batches = _due(session, settled, most)
    ids = [batch.id for batch in batches]
    span = {
        "ids": ids,
        "first": min((batch.first_at for batch in batches), default=None),
        "last": max((batch.last_at for batch in batches), default=None),
        "recently": clock.now() - timedelta(minutes=15),
    }
    if not batches and not session.scalar(text(f"SELECT EXISTS ({_LATE})"), span):
        return 0
    temporary.prepare(session)
    temporary.make(session, "fold_touched", _TOUCHED, span)
    temporary.make(session, "fold_event", _EVENTS, span)
    changed = _settle(session)
    session.execute(text(_ROLLUP), span)
    if changed:
        session.execute(text("DELETE FROM rollup WHERE events = 0"))
    temporary.make(session, "fold_response", RESPONSES.format(raw="fold_event AS e", sealed=_OF_TOUCHED))
    _to_people(session, ids)
    attribution.credit(session, "SELECT DISTINCT contact_id FROM fold_event WHERE kind = 'click'")
    session.execute(
        text("UPDATE event_batch SET folded_at = :now WHERE id = ANY(CAST(:ids AS bigint[]))"),
        {"now": clock.now(), "ids": ids},
    )
    return sum(batch.rows for batch in batches)


class _Batch(NamedTuple):
    """A row of ``event_batch``."""

    id: int
    rows: int
    first_at: datetime
    last_at: datetime


def _due(session: Session, settled: timedelta, most: int) -> list[_Batch]:
    rows = session.execute(
        text(
            "SELECT id, rows, first_at, last_at FROM event_batch"
            " WHERE folded_at IS NULL AND drained_at <= :before ORDER BY id LIMIT 200"
        ),
        {"before": clock.now() - settled},
    )
    batches: list[_Batch] = []
    for row in rows:
        batches.append(_Batch(*row))
        if sum(batch.rows for batch in batches) >= most:
            break
    return batches


# Labels


# By itself an event was judged when it was drained; together they must be where several clicks or a new delay are.
# What was judged together with events that are sealed now keeps its label: they cannot be asked any more.
_TO_SETTLE = f"""
SELECT e.campaign_id, e.contact_id, e.at, e.id, e.kind, e.link_n, e.method, e.agent_family, e.network_class, e.hint,
    e.delay_s, e.label, e.label_reason, e.delay_is_new,
    NOT e.fresh AND coalesce(e.at BETWEEN s.sealed_to AND s.sealed_to + :together, false) AS settled
FROM fold_event e
LEFT JOIN (SELECT campaign_id, contact_id, max(last_at) AS sealed_to FROM {_OF_TOUCHED} GROUP BY 1, 2) AS s
    USING (campaign_id, contact_id)
JOIN (SELECT campaign_id, contact_id FROM fold_event GROUP BY 1, 2
      HAVING count(*) FILTER (WHERE kind = 'click') > 1 OR bool_or(delay_is_new)) AS several
    USING (campaign_id, contact_id)
ORDER BY e.campaign_id, e.contact_id
"""  # noqa: S608


_LABELS = """
SELECT * FROM unnest(CAST(:at AS timestamptz[]), CAST(:ids AS bigint[]), CAST(:delays AS integer[]),
    CAST(:labels AS text[]), CAST(:reasons AS text[])) AS new (at, id, delay_s, label, label_reason)
"""


def _settle(session: Session) -> bool:
    """Judge touched messages as a whole; tells whether any label changed."""
    changed = list(_judged(session))
    if not changed:
        return False
    at, ids, delays, labels, reasons = (list(column) for column in zip(*changed, strict=True))
    temporary.make(
        session, "fold_label", _LABELS, {"at": at, "ids": ids, "delays": delays, "labels": labels, "reasons": reasons}
    )
    session.execute(
        text(
            "UPDATE event e SET delay_s = n.delay_s, label = n.label, label_reason = n.label_reason,"
            " classifier = :version FROM fold_label n WHERE e.at = n.at AND e.id = n.id"
        ),
        {"version": classify.VERSION},
    )
    session.execute(
        text("UPDATE fold_event e SET label = n.label FROM fold_label n WHERE e.id = n.id AND e.label <> n.label")
    )
    return True


def _judged(session: Session) -> Iterator[tuple[object, int, int | None, str, str]]:
    rows = session.execute(text(_TO_SETTLE), {"together": classify.TOGETHER}).all()
    links = _links(session, {row.campaign_id for row in rows})
    for (campaign_id, _), events in groupby(rows, key=attrgetter("campaign_id", "contact_id")):
        known = {event.id: event for event in events}
        features = [
            Features(e.at, e.id, e.kind, e.link_n, e.method, e.agent_family, e.network_class, e.hint, e.delay_s)
            for e in known.values()
        ]
        for feature, verdict in classify.settle(features, links.get(campaign_id, 0)):
            before = known[feature.id]
            if before.settled:
                continue
            if before.delay_is_new or verdict != Verdict(before.label, before.label_reason):
                yield feature.at, feature.id, feature.delay_s, str(verdict.label), verdict.reason


def _links(session: Session, campaigns: set[int]) -> dict[int, int]:
    link = link_table()
    counted = select(link.c.campaign_id, func.count()).where(link.c.campaign_id.in_(campaigns))
    return {row[0]: row[1] for row in session.execute(counted.group_by(link.c.campaign_id))}


# People


_PROFILE = """
SELECT contact_id, c.opens, c.clicks, r.opened_at, r.clicked_at
FROM fold_change c
JOIN (SELECT contact_id, max(last_opened_at) AS opened_at, max(last_clicked_at) AS clicked_at
      FROM fold_response GROUP BY 1) AS r USING (contact_id)
WHERE c.opens <> 0 OR c.clicks <> 0 OR r.opened_at IS NOT NULL
"""

EXACT = f"""
SELECT m.contact_id,
    max(e.last_at) FILTER (WHERE e.label = 'human') AS opened_at,
    max(e.last_at) FILTER (WHERE e.kind = 'click' AND e.label = 'human') AS clicked_at,
    coalesce(sum(e.events) FILTER (WHERE e.kind = 'open' AND e.label = 'human'), 0) AS opens,
    coalesce(sum(e.events) FILTER (WHERE e.kind = 'click' AND e.label = 'human'), 0) AS clicks
FROM message m
LEFT JOIN LATERAL (
    SELECT {_RAW} FROM event e
    WHERE e.campaign_id = m.campaign_id AND e.contact_id = m.contact_id AND {COUNTED}
    UNION ALL
    SELECT {_SEALED} FROM event_seal s WHERE s.campaign_id = m.campaign_id AND s.contact_id = m.contact_id
) AS e ON true
WHERE m.contact_id = ANY(:contacts)
GROUP BY m.contact_id
"""  # noqa: S608


def _to_people(session: Session, ids: list[int]) -> None:
    """Write messages, then what they add to the profiles of the people."""
    responses.lock(session, "fold_response")
    responses.changes(session, "fold_response", "fold_change")
    responses.apply(session, "fold_response")
    responses.resolve(session, "fold_response")
    temporary.make(session, "fold_profile", _PROFILE)
    profile.add_responses(session, "fold_profile")
    _set_back(session, ids)


def _set_back(session: Session, ids: list[int]) -> None:
    """Where a later event showed that an earlier one was no person's, find the latest human one anew."""
    lost = session.scalars(
        text(
            "SELECT DISTINCT contact_id FROM fold_event"
            " WHERE NOT fresh AND old_label = 'human' AND label NOT IN ('human', '')"
        )
    ).all()
    if lost:
        temporary.make(session, "fold_exact", EXACT, {"contacts": lost, "ids": ids})
        profile.set_responses(session, "fold_exact")
