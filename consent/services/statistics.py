"""Fold the ledger to permission over time: one statement over all of it, so that it can always be done anew.

An entry that states a yes may be weaker than what stands, and is kept without effect (``policy.standing.follow``): of
each stretch of yeses for one address the strongest so far counts. Objections and complaints end every topic, and a
confirmation after them opens again what still stands.
"""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import PermissionEvent, PermissionFold
from consent.policy.ladder import Basis, Level

_LOCK = 0x706B << 44
_SHARE = 20  # a fold may keep the database busy for a twentieth of the time

# Imports and staff may place an act back in time; it counts no earlier than what was written before it. All windows
# have one order, so the ledger is sorted once; a running maximum of arrays that begin with the place in that order
# carries the latest of something along.
_FOLD = """
WITH act AS (
    SELECT contact_id, topic_id, seq, at, action, actor, form_id, true AS about_topic, state = 'granted' AS yes,
        array_position(CAST(:levels AS text[]), level) AS level, array_position(CAST(:bases AS text[]), basis) AS basis,
        coalesce(extract(epoch FROM expires_at)::bigint, 9223372036854775807) AS until,
        hashtextextended(encode(address_key, 'hex'), 0) AS address
    FROM permission_event
    WHERE subject = 'topic' AND state IN ('granted', 'withdrawn', 'expired')
    UNION ALL
    SELECT e.contact_id, t.topic_id, e.seq, e.at, e.action, e.actor, NULL, false, e.state = 'granted', NULL, NULL, NULL,
        NULL
    FROM permission_event e
    CROSS JOIN LATERAL (
        SELECT DISTINCT topic_id FROM permission_event WHERE contact_id = e.contact_id AND subject = 'topic') t
    WHERE e.subject = 'marketing'
), placed AS (
    SELECT *,
        max(at) OVER one AS moment,
        coalesce(max(CASE WHEN about_topic THEN 2 * seq + yes::int END) OVER one % 2 = 1, false)
            AND coalesce(max(CASE WHEN NOT about_topic THEN 2 * seq + yes::int END) OVER one % 2 = 1, true) AS stands,
        about_topic AND (NOT yes OR address IS DISTINCT FROM
            (max(CASE WHEN about_topic THEN ARRAY[seq, address] END) OVER before)[2]) AS begins
    FROM act
    WINDOW one AS (PARTITION BY contact_id, topic_id ORDER BY seq),
        before AS (PARTITION BY contact_id, topic_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), stretched AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY contact_id, topic_id ORDER BY seq) AS stretch
    FROM placed
), strongest AS (
    SELECT *,
        max(CASE WHEN about_topic AND yes THEN
                ARRAY[stretch, (basis = :consent)::integer, level, until, seq, basis, coalesce(form_id, 0)]
            END) OVER (PARTITION BY contact_id, topic_id ORDER BY seq) AS best
    FROM stretched
), step AS (
    SELECT topic_id, moment, action, actor, stands, best,
        coalesce(lag(stands) OVER one, false) AS stood, lag(best) OVER one AS old
    FROM strongest
    WINDOW one AS (PARTITION BY contact_id, topic_id ORDER BY seq)
), change AS (
    SELECT topic_id, moment, action, actor, stands, stood, best[3] AS level, best[6] AS basis, best[7] AS form_id,
        old[3] AS old_level, old[6] AS old_basis, old[7] AS old_form
    FROM step
    WHERE stands <> stood
        OR stands AND (best[3], best[6], best[7]) IS DISTINCT FROM (old[3], old[6], old[7])
), move AS (
    SELECT topic_id, moment, level, basis, form_id, CASE WHEN stood THEN 'moved_in' ELSE 'gained' END AS what
    FROM change WHERE stands
    UNION ALL
    SELECT topic_id, moment, old_level, old_basis, old_form,
        CASE WHEN stands THEN 'moved_out'
            WHEN action IN ('expire', 'silence', 'retract') THEN 'expired'
            WHEN action = 'object' THEN 'objected'
            WHEN action = 'complain' THEN 'complained'
            WHEN actor = 'system' THEN 'purged'
            ELSE 'withdrawn' END
    FROM change WHERE stood
)
INSERT INTO permission_day (topic_id, day, level, basis, form_id, gained, withdrawn, expired, objected, complained,
    purged, moved_in, moved_out)
SELECT m.topic_id, CAST(m.moment AT TIME ZONE b.time_zone AS date), (CAST(:levels AS text[]))[m.level],
    (CAST(:bases AS text[]))[m.basis], m.form_id,
    count(*) FILTER (WHERE what = 'gained'), count(*) FILTER (WHERE what = 'withdrawn'),
    count(*) FILTER (WHERE what = 'expired'), count(*) FILTER (WHERE what = 'objected'),
    count(*) FILTER (WHERE what = 'complained'), count(*) FILTER (WHERE what = 'purged'),
    count(*) FILTER (WHERE what = 'moved_in'), count(*) FILTER (WHERE what = 'moved_out')
FROM move m JOIN topic t ON t.id = m.topic_id JOIN brand b ON b.id = t.brand_id
GROUP BY 1, 2, 3, 4, 5
"""


def fold(session: Session) -> int:
    """Fold the whole ledger anew, and return the milliseconds it took."""
    began = time.perf_counter()
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    head = _head(session)
    session.execute(text("SELECT set_config('work_mem', '128MB', true)"))  # sorts in memory
    session.execute(text("DELETE FROM permission_day"))
    session.execute(
        text(_FOLD),
        {
            "levels": [level.value for level in Level],
            "bases": [basis.value for basis in Basis],
            "consent": list(Basis).index(Basis.CONSENT) + 1,
        },
    )
    took = int((time.perf_counter() - began) * 1000)
    values = {"head": head, "folded_at": clock.now(), "took_ms": took}
    statement = insert(PermissionFold).values(id=1, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    return took


def refresh(session: Session, *, at_once: bool = False) -> bool:
    """Fold when the ledger has grown; unless ``at_once``, not more often than the last one's time allows.

    Tells whether it did.
    """
    last = session.get(PermissionFold, 1, populate_existing=True)
    if last is not None and last.head == _head(session):
        return False
    if (
        last is not None
        and not at_once
        and clock.now() < last.folded_at + timedelta(milliseconds=_SHARE * last.took_ms)
    ):
        return False
    fold(session)
    return True


def _head(session: Session) -> int:
    return session.scalar(select(func.max(PermissionEvent.id))) or 0
