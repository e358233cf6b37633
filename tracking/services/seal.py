"""Sealing: raw events go, and what they said to each fold stays (promise 5).

One statement deletes events and adds what they said to the baselines, so it can neither lose nor double any, whatever
dies. Three baselines hold all that is asked of events once they are gone:

``event_seal``     by message, kind, label and link: how many, the first, the last (firsts, counts, profiles, people who
                   clicked a link, whose client fetched ahead)
``rollup.sealed``  how many of a cell's events are gone
``conversion``     when the credited click was, and that it is gone

Only folded events are sealed, under the lock of the folder. An event that comes in late, for a time that is sealed
already, is counted like any other, and sealed with the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.jobs import JobName, Queue

LOCK = 0x7069 << 44  # of whoever changes folds
SEAL_PERSON = JobName("tracking.seal_person", Queue.UPKEEP)
HOUR = timedelta(hours=1)
CELL = "date_bin('15 minutes', {at}, timestamptz '2000-01-01 00:00:00Z')"

# A batch that is not folded yet is counted nowhere yet, so its events wait.
_UNFOLDED = "EXISTS (SELECT FROM event_batch b WHERE b.id = e.batch_id AND b.folded_at IS NULL)"

_SEAL = """
WITH gone AS (
    DELETE FROM event e WHERE {scope} AND NOT {unfolded}
    RETURNING at, campaign_id, contact_id, kind, label, coalesce(link_n, -1) AS link_n
), sealed AS (
    INSERT INTO event_seal AS s (campaign_id, contact_id, kind, label, link_n, events, first_at, last_at)
    SELECT campaign_id, contact_id, kind, label, link_n, count(*), min(at), max(at) FROM gone
    WHERE contact_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (campaign_id, contact_id, kind, label, link_n) DO UPDATE SET events = s.events + excluded.events,
        first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at)
), cells AS (
    INSERT INTO rollup AS r (campaign_id, cell, kind, label, link_n, untracked, events, sealed)
    SELECT campaign_id, {cell}, kind, label, link_n, contact_id IS NULL, count(*), count(*) FROM gone
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (campaign_id, cell, kind, label, link_n, untracked) DO UPDATE SET sealed = r.sealed + excluded.sealed
), credits AS (
    UPDATE conversion c SET sealed = true FROM gone g
    WHERE g.kind = 'click' AND g.label IN ('human', 'repeat')
        AND (c.campaign_id, c.contact_id, c.clicked_at) = (g.campaign_id, g.contact_id, g.at)
)
SELECT count(*) FROM gone
"""

_OF_HOUR = "e.at >= :first AND e.at < :last"
_OF_PERSON = """e.contact_id = :person
    AND e.campaign_id = ANY(ARRAY(SELECT campaign_id FROM message WHERE contact_id = :person))"""


def lock(session: Session) -> None:
    """Wait until nobody else changes folds; holds until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def seal_hours(session: Session, hours: Sequence[int]) -> int:
    """Seal the folded events of hours (numbered since 1970); returns how many events."""
    lock(session)
    sealed = 0
    for hour in hours:
        first = datetime.fromtimestamp(hour * HOUR.total_seconds(), UTC)
        sealed += _seal(session, _OF_HOUR, {"first": first, "last": first + HOUR})
    return sealed


def seal_person(session: Session, contact_id: int) -> bool:
    """Seal the folded events of one person; False when some are left, because they are not folded yet."""
    lock(session)
    _seal(session, _OF_PERSON, {"person": contact_id})
    left = text(f"SELECT EXISTS (SELECT FROM event e WHERE {_OF_PERSON})")  # noqa: S608 - our own text
    return not session.scalar(left, {"person": contact_id})


def _seal(session: Session, scope: str, parameters: Mapping[str, object]) -> int:
    statement = _SEAL.format(scope=scope, unfolded=_UNFOLDED, cell=CELL.format(at="at"))
    return int(session.execute(text(statement), parameters).scalar_one())
