"""Permission for many people at once, set-based, by the rules of ``services.ledger``.

What an import can never do: lift a withdrawal, an objection, a complaint or a suppression, or weaken what stands.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    column,
    func,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.queries.contacts import contact_table
from app.customers.services.importing import PermissionTerms, SinkResult
from consent.models import Permission
from consent.policy import chain
from consent.policy.grounds import ends
from consent.policy.ladder import Basis, Level, pair, parse_pair
from consent.policy.standing import Action, Actor, Subject
from consent.queries import topics
from consent.queries.gates import suppressed
from consent.queries.topics import TopicInfo
from consent.services.conditions import require, stated_moment

_ALREADY = "already"
_JUDGED = Table(
    "judged_people",
    MetaData(),
    Column("contact_id"),
    Column("address_key", LargeBinary),
    Column("email_key", Text),
    Column("refusal", Text),
)


def record(session: Session, terms: PermissionTerms, people: str) -> SinkResult:
    """Grant a topic to everybody in the temporary table ``people`` (contact_id, address_key), as ``terms`` state.

    Returns how many now have the permission, and how many were refused, by gate. Whoever has at least as much for
    the same address gets no new entry, so that a repeated import changes nothing. Raises ``InvalidInput`` for terms
    that do not hang together and ``NotFound`` for an unknown topic; then nothing was written.
    """
    basis, level = parse_pair(pair(terms.basis, terms.level))
    stated_at = stated_moment(terms.conditions)
    require(basis, terms.conditions, stated_at)
    at = min(stated_at or terms.at, clock.now())
    expires_at = ends(basis, at)
    topic = topics.topic(session, terms.topic_id)
    session.execute(text("DROP TABLE IF EXISTS pg_temp.judged_people"))
    session.execute(text(_TABLE))
    _lock(session, people)
    stands = _outweighs(basis, level, expires_at)
    session.execute(_JUDGED.insert().from_select(list(_JUDGED.c), _judge(people, topic, stands)))
    session.execute(text(_WRITE), _values(terms, basis, level) | {"at": at, "expires_at": expires_at})
    rows = session.execute(text("SELECT refusal, count(*) FROM judged_people GROUP BY refusal"))
    counts: dict[str | None, int] = {row[0]: row[1] for row in rows}
    permitted = counts.pop(None, 0) + counts.pop(_ALREADY, 0)
    return SinkResult(permitted, {str(reason): count for reason, count in counts.items()})


def _lock(session: Session, people: str) -> None:
    """Lock the contacts in the order of their ids: it keeps two imports from waiting for each other, and single entries
    out of the chains.

    It is a statement of its own, so that the next one sees what others committed while this one waited.
    """
    contact, source = contact_table(), table(people, column("contact_id"))
    locked = (
        select(contact.c.id)
        .join(source, source.c.contact_id == contact.c.id)
        .order_by(contact.c.id)
        .with_for_update(of=contact, key_share=True)
        .subquery()
    )
    session.execute(select(func.count()).select_from(locked))


def _judge(
    people: str, topic: TopicInfo, outweighs: ColumnElement[bool]
) -> Select[int, bytes | None, str | None, str | None]:
    """Return a SELECT that says of each of the locked contacts why it is refused, if so."""
    contact, now, source = contact_table(), clock.now(), table(people, column("contact_id"))
    lapsed = and_(Permission.expires_at.is_not(None), Permission.expires_at <= now)
    stands = and_(
        Permission.state == "granted",
        ~lapsed,
        Permission.address_key == contact.c.address_key,
        outweighs,
    )
    refusal = case(
        (contact.c.erased_at.is_not(None), "erased"),
        (contact.c.address_key.is_(None), "no_address"),
        (suppressed(topic.id, topic.brand_id, now), "suppressed"),
        (contact.c.complained_at.is_not(None), "complained"),
        (contact.c.objected_at.is_not(None), "objected"),
        (Permission.state == "withdrawn", "permission_withdrawn"),
        (stands, _ALREADY),
    )
    return (
        select(contact.c.id, contact.c.address_key, contact.c.email_key, refusal)
        .select_from(source)
        .join(contact, contact.c.id == source.c.contact_id)
        .outerjoin(Permission, and_(Permission.contact_id == contact.c.id, Permission.topic_id == topic.id))
    )


def _outweighs(basis: Basis, level: Level, expires_at: datetime | None) -> ColumnElement[bool]:
    """Return whether a standing permission weighs at least as much as what is stated (``policy.standing``)."""
    higher = Permission.level.in_([rung.value for rung in Level if rung.rung > level.rung])
    lasts: ColumnElement[bool] = Permission.expires_at.is_(None)
    if expires_at is not None:
        lasts = or_(lasts, Permission.expires_at >= expires_at)
    as_much = or_(higher, and_(Permission.level == level.value, lasts))
    if basis is Basis.CONSENT:
        return and_(Permission.basis == Basis.CONSENT.value, as_much)
    return or_(Permission.basis == Basis.CONSENT.value, as_much)


def _values(terms: PermissionTerms, basis: Basis, level: Level) -> dict[str, object]:
    return {
        "recorded_at": clock.now(),
        "subject": Subject.TOPIC.value,
        "topic_id": terms.topic_id,
        "action": Action.GRANT.value,
        "level": level.value,
        "basis": basis.value,
        "language": terms.language or None,
        "batch_id": terms.batch_id,
        "actor": Actor.IMPORT.value,
        "source": terms.source,
        "evidence": terms.evidence,
        "conditions": json.dumps(dict(terms.conditions)),
        "first": chain.FIRST,
    }


_TABLE = """
CREATE TEMP TABLE judged_people (contact_id bigint, address_key bytea, email_key text, refusal text) ON COMMIT DROP
"""

_STATED = (
    "id, contact_id, seq, at, recorded_at, subject, action, state, actor, topic_id, level, basis, address_key,"
    " expires_at, language, batch_id, evidence_digest, prev_hash"
)
_LINK = chain.sql_link("prev_hash", {name: name for name in chain.COLUMNS if name in _STATED.split(", ")})
# Ids and salts differ at each call, so what holds them is computed once (MATERIALIZED) and read by all that writes.
# PostgreSQL's gen_random_uuid() draws 122 of its 128 bits from the system's strong random source.
_WRITE = f"""
WITH salted AS MATERIALIZED (
    SELECT nextval('permission_event_id_seq') AS id, judged.contact_id, judged.address_key,
           coalesce(head.seq, 0) + 1 AS seq, coalesce(head.hash, :first) AS prev_hash,
           uuid_send(gen_random_uuid()) AS salt,
           jsonb_build_object('email', judged.email_key, 'source', CAST(:source AS text),
                              'evidence', CAST(:evidence AS text)) || CAST(:conditions AS jsonb) AS detail
    FROM judged_people judged
    LEFT JOIN LATERAL (
        SELECT seq, hash FROM permission_event WHERE contact_id = judged.contact_id ORDER BY seq DESC LIMIT 1
    ) head ON true
    WHERE judged.refusal IS NULL
), stated AS (
    SELECT id, contact_id, seq, CAST(:at AS timestamptz) AS at, CAST(:recorded_at AS timestamptz) AS recorded_at,
           CAST(:subject AS text) AS subject, CAST(:action AS text) AS action, 'granted'::text AS state,
           CAST(:actor AS text) AS actor, CAST(:topic_id AS bigint) AS topic_id, CAST(:level AS text) AS level,
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
INSERT INTO permission (contact_id, topic_id, state, level, basis, address_key, since, expires_at, event_id)
SELECT contact_id, :topic_id, 'granted', :level, :basis, address_key, :at, CAST(:expires_at AS timestamptz), id
FROM salted
ON CONFLICT (contact_id, topic_id) DO UPDATE SET state = excluded.state, level = excluded.level,
    basis = excluded.basis, address_key = excluded.address_key, since = excluded.since,
    expires_at = excluded.expires_at, event_id = excluded.event_id
"""  # noqa: S608 - made of names of this file alone
