"""Writing entries of many people into the ledger at once: one statement draws ids, chains, hashes, keeps evidence.

The rules are asked before, by a SELECT that says who gets an entry; single entries go through ``services.ledger``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from consent.policy import chain
from consent.policy.standing import Action, Actor, Subject

# The table that callers fill: who gets an entry (``refusal`` NULL), since when (NULL: ``at``), what proves it beside.
JUDGED = """
CREATE TEMP TABLE judged_people (
    contact_id bigint, address_key bytea, email_key text, refusal text, at timestamptz, proof jsonb
) ON COMMIT DROP
"""
_STATED = (
    "id, contact_id, seq, at, recorded_at, subject, action, state, actor, actor_id, topic_id, level, basis,"
    " address_key, expires_at, language, batch_id, evidence_digest, prev_hash"
)
_LINK = chain.sql_link("prev_hash", {name: name for name in chain.COLUMNS if name in _STATED.split(", ")})
# Ids and salts differ at each call, so what holds them is computed once (MATERIALIZED) and read by all that writes.
# PostgreSQL's gen_random_uuid() draws 122 of its 128 bits from the system's strong random source.
_WRITE = f"""
WITH salted AS MATERIALIZED (
    SELECT nextval('permission_event_id_seq') AS id, judged.contact_id, judged.address_key,
           least(coalesce(judged.at, CAST(:at AS timestamptz)), CAST(:recorded_at AS timestamptz)) AS at,
           coalesce(head.seq, 0) + 1 AS seq, coalesce(head.hash, :first) AS prev_hash,
           uuid_send(gen_random_uuid()) AS salt,
           CASE WHEN judged.proof IS NULL THEN CAST(:detail AS jsonb) || jsonb_build_object('email', judged.email_key)
                ELSE CAST(:detail AS jsonb) || jsonb_build_object('email', judged.email_key) || judged.proof
           END AS detail
    FROM judged_people judged
    LEFT JOIN LATERAL (
        SELECT seq, hash FROM permission_event WHERE contact_id = judged.contact_id ORDER BY seq DESC LIMIT 1
    ) head ON true
    WHERE judged.refusal IS NULL
), stated AS (
    SELECT id, contact_id, seq, at, CAST(:recorded_at AS timestamptz) AS recorded_at,
           CAST(:subject AS text) AS subject, CAST(:action AS text) AS action, CAST(:state AS text) AS state,
           CAST(:actor AS text) AS actor, CAST(:actor_id AS bigint) AS actor_id,
           CAST(:topic_id AS bigint) AS topic_id, CAST(:level AS text) AS level,
           CAST(:basis AS text) AS basis, address_key, CAST(:expires_at AS timestamptz) AS expires_at,
           CAST(:language AS text) AS language,
           CAST(:batch_id AS bigint) AS batch_id, {chain.sql_digest("salt", "detail")} AS evidence_digest, prev_hash
    FROM salted
    OFFSET 0
), written AS (
    INSERT INTO permission_event ({_STATED}, hash)
    SELECT {_STATED}, {_LINK}
    FROM stated
), proven AS (
    INSERT INTO permission_evidence (event_id, salt, detail)
    SELECT id, salt, detail FROM salted
)
"""  # noqa: S608 - made of names of this file alone
_TOPIC = """
INSERT INTO permission (contact_id, topic_id, state, level, basis, address_key, since, expires_at, event_id)
SELECT contact_id, :topic_id, :state, :level, :basis, address_key, at, CAST(:expires_at AS timestamptz), id
FROM salted
ON CONFLICT (contact_id, topic_id) DO UPDATE SET state = excluded.state, level = excluded.level,
    basis = excluded.basis, address_key = excluded.address_key, since = excluded.since,
    expires_at = excluded.expires_at, event_id = excluded.event_id
"""
_NOTHING = "SELECT count(*) FROM salted"
_COMPLAINT = """
UPDATE contact c SET complained_at = s.at FROM salted s WHERE c.id = s.contact_id AND c.complained_at IS NULL
"""


def begin(session: Session) -> None:
    """Make the empty table ``judged_people`` of this transaction."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.judged_people"))
    session.execute(text(JUDGED))


def write(
    session: Session,
    subject: Subject,
    action: Action,
    state: str,
    at: datetime,
    detail: Mapping[str, str],
    *,
    topic_id: int | None = None,
    level: str | None = None,
    basis: str | None = None,
    expires_at: datetime | None = None,
    language: str | None = None,
    batch_id: int | None = None,
    actor: Actor = Actor.IMPORT,
    actor_id: int | None = None,
) -> None:
    """Write an entry for everybody in ``judged_people`` who is not refused, and what it changes where SQL joins it.

    They must be locked already. ``subject`` is a topic, marketing for a complaint, or the contact for an erasure.
    """
    values = {
        "at": at,
        "recorded_at": clock.now(),
        "subject": subject.value,
        "action": action.value,
        "state": state,
        "actor": actor.value,
        "actor_id": actor_id,
        "topic_id": topic_id,
        "level": level,
        "basis": basis,
        "expires_at": expires_at,
        "language": language or None,
        "batch_id": batch_id,
        "detail": json.dumps(dict(detail)),
        "first": chain.FIRST,
    }
    projected = {Subject.TOPIC: _TOPIC, Subject.MARKETING: _COMPLAINT}.get(subject, _NOTHING)
    session.execute(text(_WRITE + projected), values)
