"""Re-permission as SQL: whom a campaign asks, who was asked before, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from app.core import clock
from app.core.errors import NotFound
from app.customers.queries.contacts import profile_table
from campaigns.models import Campaign, Message, Repermission
from campaigns.policy import CampaignKind, CampaignStatus, MessageState, Sample, Waves
from consent.queries.permissions import by_import, permission_table
from consent.queries.responses import answers

_OUT = (MessageState.SKIPPED, MessageState.FAILED, MessageState.CANCELLED, MessageState.HELD_OUT)
_WAITING = text("message.state = 'deferred' AND message.due_at IS NULL")


@dataclass(frozen=True)
class WaveFigures:
    """How a re-permission campaign fares. ``asked`` are delivered messages; each of them has ``confirmed``, ``left``
    (withdrew or complained), been ``silent`` to the end, or is ``open`` still. ``waiting`` have not had their wave."""

    waves: Waves
    waiting: int
    asked: int
    confirmed: int
    left: int
    silent: int
    next_wave_at: datetime | None
    stopped_for: str | None

    @property
    def open(self) -> int:
        """Those who may still answer."""
        return self.asked - self.confirmed - self.left - self.silent

    @property
    def days(self) -> int:
        """How many days the waves that are left take."""
        return -(-self.waiting // self.waves.per_day)


def waves_of(session: Session, campaign_id: int) -> Waves:
    """Return how a campaign asks. Raises ``NotFound`` for one that does not."""
    row = session.get(Repermission, campaign_id, populate_existing=True)
    if row is None:
        raise NotFound("This campaign asks for no permission.")
    return of_row(row)


def of_row(row: Repermission) -> Waves:
    """Return the settings of a row."""
    return Waves(**{field.name: getattr(row, field.name) for field in fields(Waves)})


def needing(waves: Waves, topic_id: int, now: datetime) -> Select[int]:
    """Return a SELECT of the contacts whose permission for a topic is to be asked for again. The gates are not here."""
    permission = permission_table().c
    reasons: list[ColumnElement[bool]] = []
    if waves.ends_within_days:
        reasons.append(permission.expires_at <= now + timedelta(days=waves.ends_within_days))
    if waves.weaker:
        reasons.append(or_(permission.basis != "consent", permission.level != "confirmed"))
    if waves.imported:
        reasons.append(by_import())
    if waves.quiet_months:
        reasons.append(_quiet(now - timedelta(days=30 * waves.quiet_months)))
    return select(permission.contact_id).where(
        permission.topic_id == topic_id, permission.state == "granted", or_(*reasons)
    )


def _quiet(since: datetime) -> ColumnElement[bool]:
    """Had tracked mail, and neither opened, clicked nor bought since. The untracked are neither quiet nor lively."""
    permission, done = permission_table().c, profile_table().c
    got = exists().where(
        Message.contact_id == permission.contact_id, Message.tracked, Message.state == MessageState.SENT.value
    )
    lively = exists().where(
        done.contact_id == permission.contact_id,
        or_(done.opened_at > since, done.clicked_at > since, done.ordered_at > since),
    )
    return and_(permission.since <= since, got, ~lively)


def asked_before(campaign_id: int, topic_id: int, contact_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that another campaign asks a contact about the topic, or did without an answer since."""
    other, earlier, permission = aliased(Message), aliased(Campaign), permission_table().c
    return exists().where(
        other.contact_id == contact_id,
        earlier.id == other.campaign_id,
        earlier.id != campaign_id,
        earlier.kind == CampaignKind.REPERMISSION.value,
        earlier.topic_id == topic_id,
        other.state.not_in([state.value for state in _OUT]),
        permission.contact_id == other.contact_id,
        permission.topic_id == topic_id,
        or_(other.sent_at.is_(None), other.sent_at > permission.since),
    )


def next_wave(campaign_id: int, size: int) -> Select[int]:
    """Return a SELECT of whom the next wave asks: those who clicked last, then those who opened last."""
    done = profile_table().c
    return (
        select(Message.contact_id)
        .outerjoin(profile_table(), done.contact_id == Message.contact_id)
        .where(Message.campaign_id == campaign_id, _WAITING)
        .order_by(done.clicked_at.desc().nulls_last(), done.opened_at.desc().nulls_last(), Message.contact_id)
        .limit(size)
    )


def running(session: Session) -> list[int]:
    """Return the re-permission campaigns that are being sent."""
    query = select(Campaign.id).where(
        Campaign.kind == CampaignKind.REPERMISSION.value, Campaign.status == CampaignStatus.SENDING.value
    )
    return list(session.scalars(query.order_by(Campaign.id)))


def sample(session: Session, campaign_id: int, since: datetime | None) -> Sample:
    """Count what became of messages tried since a moment, as METRICS counts it."""
    sent, failed = Message.state == MessageState.SENT.value, Message.state == MessageState.FAILED.value
    bounced = Message.bounce_class.is_not(None)
    query = select(
        func.count().filter(or_(sent, failed)),
        func.count().filter(and_(sent, ~bounced)),
        func.count().filter(bounced),
        func.count().filter(Message.complained_at.is_not(None)),
    ).where(Message.campaign_id == campaign_id)
    if since is not None:
        query = query.where(func.coalesce(Message.sent_at, Message.failed_at) >= since)
    return Sample(*session.execute(query).one())


def silent(now: datetime) -> Select[int, int, int]:
    """Return a SELECT of (contact_id, topic_id, campaign_id): asked by a mail that arrived, the time for an answer is
    over, and nothing was said since. A campaign that was cancelled means nothing to nobody."""
    permission = permission_table().c
    return (
        select(Message.contact_id, Campaign.topic_id, Message.campaign_id)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .join(Repermission, Repermission.campaign_id == Campaign.id)
        .join(
            permission_table(),
            and_(permission.contact_id == Message.contact_id, permission.topic_id == Campaign.topic_id),
        )
        .where(
            Campaign.kind == CampaignKind.REPERMISSION.value,
            Campaign.status != CampaignStatus.CANCELLED.value,
            Message.state == MessageState.SENT.value,
            Message.bounce_class.is_(None),
            Message.sent_at <= now - func.make_interval(0, 0, 0, Repermission.answer_days),
            permission.state == "granted",
            permission.since < Message.sent_at,
        )
    )


def figures(session: Session, campaign_id: int) -> WaveFigures:
    """Return how a re-permission campaign fares. Raises ``NotFound``."""
    row = session.get(Repermission, campaign_id, populate_existing=True)
    if row is None:
        raise NotFound("This campaign asks for no permission.")
    delivered = and_(Message.state == MessageState.SENT.value, Message.bounce_class.is_(None))
    given = answers(campaign_id).subquery()
    left = or_(Message.unsubscribed_at.is_not(None), Message.complained_at.is_not(None))
    said = case((left, "left"), (given.c.action.is_not(None), given.c.action), else_="open")
    counted = session.execute(
        select(said, func.count())
        .outerjoin(given, given.c.contact_id == Message.contact_id)
        .where(Message.campaign_id == campaign_id, delivered)
        .group_by(said)
    )
    by = {row[0]: row[1] for row in counted}
    waiting = session.scalar(select(func.count()).where(Message.campaign_id == campaign_id, _WAITING)) or 0
    return WaveFigures(
        waves=of_row(row),
        waiting=waiting,
        asked=sum(by.values()),
        confirmed=by.get("confirm", 0),
        left=by.get("left", 0),
        silent=by.get("silence", 0),
        next_wave_at=max(row.next_wave_at, clock.now()) if row.next_wave_at and waiting else None,
        stopped_for=row.stopped_for,
    )
