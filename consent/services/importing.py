"""Permission for many people at once, set-based, by the rules of ``services.ledger``.

What an import can never do: lift a withdrawal, an objection, a complaint or a suppression, or weaken what stands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    null,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.queries.contacts import contact_table
from app.customers.services.importing import PermissionTerms, SinkResult
from consent.models import Permission
from consent.policy.grounds import ends
from consent.policy.ladder import Basis, Level, pair, parse_pair
from consent.policy.standing import Action, Subject
from consent.queries import covering, topics
from consent.queries.gates import suppressed_anywhere
from consent.queries.topics import TopicInfo
from consent.services import many
from consent.services.conditions import require, stated_moment

_ALREADY = "already"
_JUDGED = Table(
    "judged_people",
    MetaData(),
    Column("contact_id"),
    Column("address_key", LargeBinary),
    Column("email_key", Text),
    Column("refusal", Text),
    Column("at", DateTime(timezone=True)),
    Column("proof", JSONB),
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
    many.begin(session)
    lock_people(session, people)
    stands = _outweighs(basis, level, expires_at)
    # What ends after a term begins when the condition says, for everybody.
    dated = terms.dated and expires_at is None
    session.execute(_JUDGED.insert().from_select(list(_JUDGED.c), _judge(people, topic, stands, dated)))
    many.write(
        session,
        Subject.TOPIC,
        Action.GRANT,
        "granted",
        at,
        {"source": terms.source, "evidence": terms.evidence, **terms.conditions},
        topic_id=terms.topic_id,
        level=level.value,
        basis=basis.value,
        expires_at=expires_at,
        language=terms.language,
        batch_id=terms.batch_id,
    )
    rows = session.execute(text("SELECT refusal, count(*) FROM judged_people GROUP BY refusal"))
    counts: dict[str | None, int] = {row[0]: row[1] for row in rows}
    permitted = counts.pop(None, 0) + counts.pop(_ALREADY, 0)
    return SinkResult(permitted, {str(reason): count for reason, count in counts.items()})


def lock_people(session: Session, people: str) -> None:
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


def _judge(people: str, topic: TopicInfo, outweighs: ColumnElement[bool], dated: bool) -> Select[Any]:
    """Return a SELECT that says of each of the locked contacts why it is refused, if so; with ``dated`` also since when
    they agreed and from where."""
    contact, now, source = contact_table(), clock.now(), table(people, column("contact_id"), column("at"), column("ip"))
    lapsed = and_(Permission.expires_at.is_not(None), Permission.expires_at <= now)
    stands = and_(
        Permission.state == "granted",
        ~lapsed,
        Permission.address_key == contact.c.address_key,
        outweighs,
    )
    refusal = case(
        (contact.c.erased_at.is_not(None), "erased"),
        (contact.c.merged_into.is_not(None), "merged"),
        (contact.c.address_key.is_(None), "no_address"),
        (suppressed_anywhere(topic.id, topic.brand_id, now), "suppressed"),
        (or_(contact.c.complained_at.is_not(None), covering.complained()), "complained"),
        (or_(contact.c.objected_at.is_not(None), covering.objected()), "objected"),
        (or_(Permission.state == "withdrawn", covering.withdrawn(topic.id)), "permission_withdrawn"),
        (stands, _ALREADY),
    )
    since: ColumnElement[Any] = cast(source.c.at if dated else null(), DateTime(timezone=True))
    proof: ColumnElement[Any] = cast(null(), JSONB)
    if dated:
        proof = func.jsonb_strip_nulls(func.jsonb_build_object("ip", source.c.ip))
    return (
        select(contact.c.id, contact.c.address_key, contact.c.email_key, refusal, since, proof)
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
