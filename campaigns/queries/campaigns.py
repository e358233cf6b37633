"""Campaigns as pages and other rooms read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from campaigns.models import Campaign, CampaignContent, CampaignSegment, Message, Segment
from campaigns.policy import CampaignKind, CampaignStatus, MessageState

_UNTRIED = (MessageState.SKIPPED.value, MessageState.HELD_OUT.value)


@dataclass(frozen=True)
class CampaignInfo:
    """A campaign. ``problem`` says why it paused itself or could not be launched."""

    id: int
    kind: CampaignKind
    name: str
    objective: str
    status: CampaignStatus
    problem: str | None
    brand_id: int
    topic_id: int
    sender_id: int
    created_at: datetime
    updated_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None

    @property
    def is_draft(self) -> bool:
        """Tell whether it may still be edited."""
        return self.status is CampaignStatus.DRAFT

    @property
    def asks(self) -> bool:
        """Tell whether it asks for permission again, in waves."""
        return self.kind is CampaignKind.REPERMISSION


@dataclass(frozen=True)
class ContentInfo:
    """What a campaign says in one language."""

    language: str
    subject: str
    preheader: str
    mjml: str
    updated_at: datetime


@dataclass(frozen=True)
class UsedSegment:
    """A segment that a campaign includes or excludes."""

    id: int
    name: str
    definition: dict[str, Any]
    last_count: int | None


@dataclass(frozen=True)
class Audience:
    """The segments of a campaign."""

    include: tuple[UsedSegment, ...]
    exclude: tuple[UsedSegment, ...]


@dataclass(frozen=True)
class Response:
    """The first figures of a launched campaign, as METRICS names them; they are None without a denominator."""

    recipients: int
    sent: int
    human_open_rate: float | None
    click_rate: float | None


def _info(row: Campaign) -> CampaignInfo:
    return CampaignInfo(
        id=row.id,
        kind=CampaignKind(row.kind),
        name=row.name,
        objective=row.objective,
        status=CampaignStatus(row.status),
        problem=row.problem,
        brand_id=row.brand_id,
        topic_id=row.topic_id,
        sender_id=row.sender_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        launched_at=row.launched_at,
        finished_at=row.finished_at,
    )


def campaign(session: Session, campaign_id: int) -> CampaignInfo:
    """Return one campaign. Raises ``NotFound``."""
    row = session.get(Campaign, campaign_id)
    if row is None:
        raise NotFound(_("There is no campaign with the number %(id)d.", id=campaign_id))
    return _info(row)


def campaigns(session: Session, *, search: str = "", before: int | None = None, limit: int = 30) -> list[CampaignInfo]:
    """Return campaigns whose name holds ``search``, the newest first, older than campaign ``before``."""
    query: Select[Campaign] = select(Campaign).order_by(Campaign.id.desc()).limit(limit)
    if search.strip():
        query = query.where(func.lower(Campaign.name).contains(search.strip().lower(), autoescape=True))
    if before is not None:
        query = query.where(Campaign.id < before)
    return [_info(row) for row in session.scalars(query)]


def contents(session: Session, campaign_id: int) -> list[ContentInfo]:
    """Return the content of each language that a campaign has, in the order of their codes."""
    rows = session.scalars(
        select(CampaignContent).where(CampaignContent.campaign_id == campaign_id).order_by(CampaignContent.language)
    )
    return [ContentInfo(row.language, row.subject, row.preheader, row.mjml, row.updated_at) for row in rows]


def content(session: Session, campaign_id: int, language: str) -> ContentInfo | None:
    """Return the content of one language, or None."""
    row = session.get(CampaignContent, (campaign_id, language))
    return ContentInfo(language, row.subject, row.preheader, row.mjml, row.updated_at) if row else None


def audience(session: Session, campaign_id: int) -> Audience:
    """Return the segments that a campaign includes and excludes, by name."""
    rows = session.execute(
        select(CampaignSegment.mode, Segment.id, Segment.name, Segment.definition, Segment.last_count)
        .join(Segment, Segment.id == CampaignSegment.segment_id)
        .where(CampaignSegment.campaign_id == campaign_id)
        .order_by(func.lower(Segment.name))
    ).all()
    used = {mode: tuple(UsedSegment(*row[1:]) for row in rows if row[0] == mode) for mode in ("include", "exclude")}
    return Audience(used["include"], used["exclude"])


def responses(session: Session, campaign_ids: list[int]) -> dict[int, Response]:
    """Return the first figures of launched campaigns (METRICS: rates are shares of ``tracked_delivered``)."""
    if not campaign_ids:
        return {}
    message = Message
    accepted = message.state == MessageState.SENT.value
    tracked = and_(accepted, message.bounce_class.is_(None), message.tracked)
    opened = or_(message.human_opened_at.is_not(None), message.clicked_at.is_not(None))
    rows = session.execute(
        select(
            message.campaign_id,
            func.count().filter(message.state.not_in(_UNTRIED)),
            func.count().filter(accepted),
            func.count().filter(tracked),
            func.count().filter(tracked, opened),
            func.count().filter(tracked, message.clicked_at.is_not(None)),
        )
        .where(message.campaign_id.in_(campaign_ids))
        .group_by(message.campaign_id)
    ).all()
    return {
        row[0]: Response(row[1], row[2], row[4] / row[3] if row[3] else None, row[5] / row[3] if row[3] else None)
        for row in rows
    }
