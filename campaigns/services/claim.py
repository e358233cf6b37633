"""Claim messages of one lane: leased, committed before SMTP, and asked once more whether they may be sent.

The claim's UPDATE joins the gates again, so whoever lost permission since the freeze turns into ``skipped`` here, and
the address is read from the contact, so a corrected one reaches mail that was queued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Executable,
    Integer,
    and_,
    bindparam,
    case,
    exists,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import CTE

from app.core import clock
from app.customers.queries.contacts import contact_table
from app.mail.merge import Value
from campaigns.models import Campaign, Claim, Lane, Message
from campaigns.policy import MERGED, CampaignStatus, MessageState
from campaigns.services.compose import CONTACT_FIELDS
from campaigns.services.write_back import ClaimRef
from consent.policy.why import Grounds
from consent.queries import covering, gates
from consent.queries import why as grounds
from consent.services import notices

# Longer than the longest wait for a relay's reply to a whole message (app.mail.smtp.Relay.final_timeout).
LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One claimed message: where it goes and what fills it. ``values`` are merge values, with their dotted names.

    ``grounds`` are what the permission stands on; ``first`` tells that this mail is to name the address's source.
    """

    contact_id: int
    email: str
    language: str
    tracked: bool
    values: dict[str, Value]
    grounds: Grounds | None = None
    first: bool = False


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


@dataclass(frozen=True, slots=True)
class LaneWork:
    """A lane of a campaign with something in it: deferred messages whose time has come, or queued ones."""

    id: int
    due: bool


def lanes_with_work(session: Session, campaign_id: int, relay_id: int) -> list[LaneWork]:
    """Return the lanes of a relay in which a campaign has something to send now."""
    mine = and_(Message.campaign_id == campaign_id, Message.lane_id == Lane.id)
    queued = exists().where(mine, _QUEUED)
    due = exists().where(mine, _DEFERRED, Message.due_at <= clock.now())
    rows = session.execute(
        select(Lane.id, due.label("due")).where(Lane.relay_id == relay_id, queued | due).order_by(Lane.id)
    )
    return [LaneWork(*row) for row in rows]


# The states are written out, so that the planner sees the predicates of the partial indexes.
_QUEUED, _DEFERRED = text("message.state = 'queued'"), text("message.state = 'deferred'")


class Claimer:
    """Claims for one campaign. Its statements are built once, because that costs as much as executing them."""

    def __init__(self, scope: ClaimScope) -> None:
        self._scope = scope
        self._names = sorted(scope.fields & CONTACT_FIELDS)
        self._custom = bool(scope.fields - CONTACT_FIELDS)
        self._statements = {deferred: self._statement(deferred) for deferred in (True, False)}

    def claim(self, session: Session, lane_id: int, limit: int, *, after: int | None) -> Claimed:
        """Claim up to ``limit`` messages of a lane. The caller makes the journal, then commits.

        ``after`` None takes deferred ones whose time has come; a contact id takes queued ones behind it. Both find
        nothing unless the campaign is sending.
        """
        claim_id = int(session.scalar(_NEXT_ID) or 0)
        given = {"claim": claim_id, "lane": lane_id, "most": limit, "after": after or 0, "now": clock.now()}
        rows: Sequence[Any] = session.execute(self._statements[after is None], given).all()
        recipients: list[Recipient] = []
        last: int | None = None
        for contact_id, state, language, tracked, email, *rest in rows:
            last = contact_id if last is None or contact_id > last else last
            if state == MessageState.CLAIMED:
                said, first = grounds.read(tuple(rest[:_GROUNDS]))
                values = _values(self._scope.fields, self._names, rest[_GROUNDS:])
                recipients.append(Recipient(contact_id, email, language, tracked, values, said, first))
        if not recipients:
            return Claimed(None, (), len(rows), last)
        session.execute(
            insert(Claim).values(
                id=claim_id,
                campaign_id=self._scope.campaign_id,
                lane_id=lane_id,
                host=self._scope.host,
                lease_until=clock.now() + LEASE,
                size=len(recipients),
            )
        )
        notices.note(session, self._scope.campaign_id, [each.contact_id for each in recipients if each.first])
        taken = ClaimRef(claim_id, self._scope.campaign_id)
        return Claimed(taken, recipients, len(rows) - len(recipients), last)

    def _statement(self, deferred: bool) -> Executable:
        """Return the statement that moves due messages on and returns all that sending them needs.

        What the gates say is kept apart (OFFSET) and materialised, so that each is asked once a person, and the update
        returns the contact's columns from there: joining them afterwards would leave the planner to guess at a
        partitioned table.
        """
        contact = contact_table()
        columns = [contact.c[name] for name in self._names] + ([contact.c.attributes] if self._custom else [])
        asked = gates.gates(self._scope.topic_id, self._scope.brand_id, _NOW, self._due(deferred))
        told = (contact.c.email.label("send_to"), *columns, self._mailed().label("mailed"))
        people = asked.add_columns(*told).offset(0).subquery("asked")
        gate = case((people.c.mailed, MERGED), else_=people.c.gate).label("gate")
        named = (gate if column.name == "gate" else column for column in people.c if column.name != "mailed")
        reasoned = grounds.named(select(*named), people.c.event_id, self._scope.campaign_id)
        gated = reasoned.cte("gated").prefix_with("MATERIALIZED")
        open_ = gated.c.gate.is_(None)
        return (
            update(Message)
            .where(
                Message.campaign_id == self._scope.campaign_id,
                Message.contact_id == gated.c.contact_id,
                Message.state.in_((MessageState.QUEUED.value, MessageState.DEFERRED.value)),
            )
            .values(
                state=case((open_, MessageState.CLAIMED.value), else_=MessageState.SKIPPED.value),
                reason=gated.c.gate,
                permission_event_id=gated.c.event_id,
                tracked=and_(Message.tracked, gated.c.tracked),
                address_key=gated.c.address_key,
                claim_id=case((open_, bindparam("claim", type_=BigInteger))),
                attempts=Message.attempts + case((open_, 1), else_=0),
                due_at=None,
            )
            .returning(
                Message.contact_id,
                Message.state,
                Message.language,
                Message.tracked,
                gated.c.send_to,
                *(gated.c[name] for name in grounds.COLUMNS),
                *(gated.c[column.name] for column in columns),
            )
            .execution_options(synchronize_session=False)
        )

    def _mailed(self) -> ColumnElement[bool]:
        """Return whether the campaign went, or perhaps went, to the same person under a number merged into theirs."""
        other, folded = Message.__table__.alias("other"), covering.folded
        went = (MessageState.CLAIMED.value, MessageState.SENT.value, MessageState.UNKNOWN.value)
        sent = (
            select(other.c.contact_id)
            .join(folded, folded.c.id == other.c.contact_id)
            .where(folded.c.merged_into == contact_table().c.id)
            .where(other.c.campaign_id == self._scope.campaign_id, other.c.state.in_(went))
        )
        return and_(covering.is_head(), sent.correlate_except(other, folded).exists())

    def _due(self, deferred: bool) -> CTE:
        campaign_id = self._scope.campaign_id
        sending = exists().where(Campaign.id == campaign_id, Campaign.status == CampaignStatus.SENDING.value)
        query = select(Message.contact_id).where(
            Message.campaign_id == campaign_id, Message.lane_id == bindparam("lane", type_=Integer), sending
        )
        if deferred:
            query = query.where(_DEFERRED, Message.due_at <= _NOW).order_by(Message.due_at)
        else:
            query = query.where(_QUEUED, Message.contact_id > bindparam("after", type_=BigInteger))
            query = query.order_by(Message.contact_id)
        most = bindparam("most", type_=Integer)
        return query.limit(most).with_for_update(skip_locked=True, of=Message).cte("due")


_NEXT_ID = text("SELECT nextval(pg_get_serial_sequence('claim', 'id'))")
_GROUNDS = len(grounds.COLUMNS)
_NOW = bindparam("now", type_=DateTime(timezone=True))


def _values(wanted: frozenset[str], names: Sequence[str], fields: Sequence[object]) -> dict[str, Value]:
    values: dict[str, Value] = {f"contact.{name}": fields[index] for index, name in enumerate(names)}  # type: ignore[misc]
    if len(fields) > len(names):
        attributes = fields[-1]
        assert isinstance(attributes, Mapping)
        for name in wanted & attributes.keys():
            value = attributes[name]
            values[f"contact.{name}"] = tuple(value) if isinstance(value, list) else value
    return values
