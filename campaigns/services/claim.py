"""Claim messages of one lane: leased, committed before SMTP, and asked once more whether they may be sent.

The claim's UPDATE joins the gates again, so whoever lost permission since the freeze turns into ``skipped`` here, and
the address is read from the contact, so a corrected one reaches mail that was queued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, insert, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import CTE

from app.core import clock
from app.customers.queries.contacts import contact_table
from app.mail.merge import Value
from campaigns.models import Campaign, Claim, Lane, Message
from campaigns.policy import CampaignStatus, MessageState
from campaigns.services.compose import CONTACT_FIELDS
from campaigns.services.write_back import ClaimRef
from consent.queries import gates

# Longer than the longest wait for a relay's reply to a whole message (app.mail.smtp.Relay.final_timeout).
LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One claimed message: where it goes and what fills it. ``values`` are merge values, with their dotted names."""

    contact_id: int
    email: str
    language: str
    tracked: bool
    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim took. ``last`` is the highest contact looked at, the place to go on from; None when none was."""

    claim: ClaimRef | None
    recipients: Sequence[Recipient]
    skipped: int
    last: int | None


@dataclass(frozen=True, slots=True)
class ClaimScope:
    """What a pump claims for: the campaign, the gates that it passes, and the contact fields its mails name."""

    campaign_id: int
    topic_id: int
    brand_id: int
    host: str
    fields: frozenset[str]


def lanes(session: Session, relay_id: int) -> list[int]:
    """Return the lanes of a relay."""
    return list(session.scalars(select(Lane.id).where(Lane.relay_id == relay_id).order_by(Lane.id)))


def claim(session: Session, scope: ClaimScope, lane_id: int, limit: int, *, after: int | None) -> Claimed:
    """Claim up to ``limit`` messages of a lane. The caller makes the journal, then commits.

    ``after`` None takes deferred ones whose time has come; a contact id takes queued ones behind it. Both find
    nothing unless the campaign is sending.
    """
    claim_id = session.scalar(text("SELECT nextval(pg_get_serial_sequence('claim', 'id'))"))
    names = sorted(scope.fields & CONTACT_FIELDS)
    custom = bool(scope.fields - CONTACT_FIELDS)
    due = _due(scope.campaign_id, lane_id, limit, after)
    rows: Sequence[Any] = session.execute(_claiming(scope, due, int(claim_id or 0), names, custom)).all()
    recipients: list[Recipient] = []
    last: int | None = None
    for contact_id, state, language, tracked, email, *fields in rows:
        last = contact_id if last is None or contact_id > last else last
        if state == MessageState.CLAIMED:
            values = _values(scope.fields, names, fields)
            recipients.append(Recipient(contact_id, email, language, tracked, values))
    if not recipients:
        return Claimed(None, (), len(rows), last)
    session.execute(
        insert(Claim).values(
            id=claim_id,
            campaign_id=scope.campaign_id,
            lane_id=lane_id,
            host=scope.host,
            lease_until=clock.now() + LEASE,
            size=len(recipients),
        )
    )
    return Claimed(ClaimRef(int(claim_id or 0), scope.campaign_id), recipients, len(rows) - len(recipients), last)


def _due(campaign_id: int, lane_id: int, limit: int, after: int | None) -> CTE:
    sending = exists().where(Campaign.id == campaign_id, Campaign.status == CampaignStatus.SENDING.value)
    query = select(Message.contact_id).where(Message.campaign_id == campaign_id, Message.lane_id == lane_id, sending)
    # The states are written out, so that the planner sees the predicate of the partial index.
    if after is None:
        query = query.where(text("message.state = 'deferred'"), Message.due_at <= clock.now()).order_by(Message.due_at)
    else:
        query = query.where(text("message.state = 'queued'"), Message.contact_id > after).order_by(Message.contact_id)
    return query.limit(limit).with_for_update(skip_locked=True, of=Message).cte("due")


def _claiming(
    scope: ClaimScope, due: CTE, claim_id: int, names: Sequence[str], custom: bool
) -> Select[tuple[object, ...]]:
    """Return the statement that moves the messages of ``due`` on and returns all that sending them needs."""
    gated = gates.gates(scope.topic_id, scope.brand_id, clock.now(), due).cte("gated")
    moved = (
        update(Message)
        .where(
            Message.campaign_id == scope.campaign_id,
            Message.contact_id == gated.c.contact_id,
            Message.state.in_((MessageState.QUEUED.value, MessageState.DEFERRED.value)),
        )
        .values(
            state=case((gated.c.gate.is_(None), MessageState.CLAIMED.value), else_=MessageState.SKIPPED.value),
            reason=gated.c.gate,
            permission_event_id=gated.c.event_id,
            tracked=and_(Message.tracked, gated.c.tracked),
            address_key=gated.c.address_key,
            claim_id=case((gated.c.gate.is_(None), claim_id)),
            attempts=Message.attempts + case((gated.c.gate.is_(None), 1), else_=0),
            due_at=None,
        )
        .returning(Message.contact_id, Message.state, Message.language, Message.tracked)
        .cte("moved")
    )
    contact = contact_table()
    columns = [contact.c[name] for name in names] + ([contact.c.attributes] if custom else [])
    return (
        select(moved.c.contact_id, moved.c.state, moved.c.language, moved.c.tracked, contact.c.email, *columns)
        .join(contact, contact.c.id == moved.c.contact_id)
        .order_by(moved.c.contact_id)
    )


def _values(wanted: frozenset[str], names: Sequence[str], fields: Sequence[object]) -> dict[str, Value]:
    values: dict[str, Value] = {f"contact.{name}": fields[index] for index, name in enumerate(names)}  # type: ignore[misc]
    if len(fields) > len(names):
        attributes = fields[-1]
        assert isinstance(attributes, Mapping)
        for name in wanted & attributes.keys():
            value = attributes[name]
            values[f"contact.{name}"] = tuple(value) if isinstance(value, list) else value
    return values
