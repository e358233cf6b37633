"""Drafts of campaigns: basics, audience and content. What has been launched is not edited; it is duplicated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.brands.queries import brands, sending
from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from app.mail.templates import LANGUAGES
from campaigns.errors import EditConflict
from campaigns.models import Campaign, CampaignContent, CampaignSegment, Repermission, Segment
from campaigns.policy import CampaignKind, CampaignStatus, Waves
from campaigns.queries.waves import waves_of
from consent.queries import topics

MAX_NAME = 120
MAX_LINE = 250  # characters of a subject or preheader
MAX_DESIGN = 2_000_000


@dataclass(frozen=True)
class Basics:
    """What a campaign is about and who writes. Topic and sender belong to the brand."""

    name: str
    brand_id: int
    topic_id: int
    sender_id: int
    objective: str = ""
    kind: CampaignKind = CampaignKind.MAILING


@dataclass(frozen=True)
class ContentText:
    """What a campaign says in one language."""

    subject: str = ""
    preheader: str = ""
    mjml: str = ""


def draft(session: Session, basics: Basics) -> int:
    """Begin a campaign and return its id. Raises ``InvalidInput`` naming the field, ``NotFound``."""
    row = Campaign(created_by=audit.actor().staff_id)
    _fill(session, row, basics)
    session.add(row)
    session.flush()
    _ask(session, row)
    audit.record(session, "created", "campaign", row.id, brand_id=row.brand_id)
    return row.id


def update(session: Session, campaign_id: int, basics: Basics, *, seen: datetime | None = None) -> None:
    """Change the basics of a draft. ``seen`` is its ``updated_at`` when it was opened.

    Raises ``InvalidInput`` naming the field, ``NotFound``, ``Conflict``, ``EditConflict``.
    """
    row = _draft(session, campaign_id, seen)
    _fill(session, row, basics)
    _ask(session, row)
    _touch(session, row)


def set_audience(
    session: Session,
    campaign_id: int,
    include: Iterable[int],
    exclude: Iterable[int] = (),
    *,
    seen: datetime | None = None,
) -> None:
    """Choose the segments of a draft. Raises ``InvalidInput``, ``NotFound``, ``Conflict``, ``EditConflict``."""
    row = _draft(session, campaign_id, seen)
    modes = dict.fromkeys(include, "include")
    for segment_id in exclude:
        if modes.setdefault(segment_id, "exclude") == "include":
            raise InvalidInput(_("A segment cannot be included and excluded at once."), field="exclude")
    known = set(session.scalars(select(Segment.id).where(Segment.id.in_(modes))))
    if missing := sorted(set(modes) - known):
        raise NotFound(_("There is no segment with the number %(id)d.", id=missing[0]))
    session.execute(delete(CampaignSegment).where(CampaignSegment.campaign_id == campaign_id))
    if modes:
        session.execute(
            insert(CampaignSegment),
            [{"campaign_id": campaign_id, "segment_id": key, "mode": mode} for key, mode in modes.items()],
        )
    _touch(session, row)


def set_waves(session: Session, campaign_id: int, waves: Waves, *, seen: datetime | None = None) -> None:
    """Choose how a re-permission campaign asks. Raises ``InvalidInput`` naming the field, ``NotFound``, ``Conflict``,
    ``EditConflict``."""
    row = _draft(session, campaign_id, seen)
    _check_waves(waves)
    stored = session.get(Repermission, campaign_id)
    if stored is None:
        raise InvalidInput(_("Only a re-permission campaign is sent in waves."), field="kind")
    for name, value in asdict(waves).items():
        setattr(stored, name, value)
    _touch(session, row)


def set_content(
    session: Session, campaign_id: int, language: str, content: ContentText, *, seen: datetime | None = None
) -> datetime:
    """Write what a draft says in one language; a design that does not compile yet is kept too.

    ``seen`` is the ``updated_at`` of the content when it was opened, and the new one is returned.
    Raises ``InvalidInput`` naming the field, ``NotFound``, ``Conflict``, ``EditConflict``.
    """
    _draft(session, campaign_id)
    _check_content(language, content)
    row = session.get(CampaignContent, (campaign_id, language), with_for_update=True, populate_existing=True)
    if row is None:
        row = CampaignContent(campaign_id=campaign_id, language=language)
        session.add(row)
    elif seen is not None and row.updated_at != seen:
        raise EditConflict(row.updated_at)
    row.subject, row.preheader, row.mjml = content.subject.strip(), content.preheader.strip(), content.mjml
    row.updated_at = clock.now()
    session.flush()
    return row.updated_at


def remove_content(session: Session, campaign_id: int, language: str) -> None:
    """Take a language out of a draft. Raises ``NotFound``, ``Conflict``."""
    _draft(session, campaign_id)
    session.execute(
        delete(CampaignContent).where(CampaignContent.campaign_id == campaign_id, CampaignContent.language == language)
    )


def duplicate(session: Session, campaign_id: int) -> int:
    """Make a draft with the basics, audience and content of a campaign, and return its id. Raises ``NotFound``."""
    source = session.get(Campaign, campaign_id)
    if source is None:
        raise NotFound(_("There is no campaign with the number %(id)d.", id=campaign_id))
    name = _("%(name)s (copy)", name=source.name[: MAX_NAME - 10])
    kind = CampaignKind(source.kind)
    copy = draft(session, Basics(name, source.brand_id, source.topic_id, source.sender_id, source.objective, kind))
    if kind is CampaignKind.REPERMISSION:
        set_waves(session, copy, waves_of(session, campaign_id))
    for table, columns in (
        (CampaignSegment, ("segment_id", "mode")),
        (CampaignContent, ("language", "subject", "preheader", "mjml")),
    ):
        rows = session.scalars(select(table).where(table.campaign_id == campaign_id)).all()
        session.add_all([table(campaign_id=copy, **{name: getattr(row, name) for name in columns}) for row in rows])
    session.flush()
    return copy


def discard(session: Session, campaign_id: int) -> None:
    """Delete a draft. Raises ``NotFound``, ``Conflict``."""
    row = _draft(session, campaign_id)
    session.delete(row)
    session.flush()
    audit.record(session, "deleted", "campaign", campaign_id, detail={"name": row.name})


def _draft(session: Session, campaign_id: int, seen: datetime | None = None) -> Campaign:
    """Return a draft, locked until the unit of work ends, so that no launch overtakes the change."""
    row = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(_("There is no campaign with the number %(id)d.", id=campaign_id))
    if row.status != CampaignStatus.DRAFT:
        raise Conflict(_("The campaign has been launched and stays as it is. Duplicate it to send something else."))
    if seen is not None and row.updated_at != seen:
        raise EditConflict(row.updated_at)
    return row


def _ask(session: Session, row: Campaign) -> None:
    """Keep what belongs to the kind of a campaign: a re-permission campaign has its waves, a mailing has none."""
    stored = session.get(Repermission, row.id)
    if row.kind == CampaignKind.REPERMISSION and stored is None:
        session.add(Repermission(campaign_id=row.id, **asdict(Waves())))
    elif row.kind == CampaignKind.MAILING and stored is not None:
        session.delete(stored)
    session.flush()


# What may be chosen: a wave a mailbox provider could judge by, a time to answer in, limits that stop in time.
_BOUNDS: dict[str, tuple[float, float]] = {
    "per_day": (1, 1_000_000),
    "answer_days": (7, 365),
    "ends_within_days": (1, 730),
    "quiet_months": (1, 120),
    "max_complaints": (0.0001, 0.003),
    "max_bounces": (0.001, 0.2),
    "min_sample": (1, 100_000),
}


def _check_waves(waves: Waves) -> None:
    for name, value in asdict(waves).items():
        low, high = _BOUNDS.get(name, (0, 1))
        if value is not None and not low <= value <= high:
            raise InvalidInput(_("Choose between %(low)s and %(high)s.", low=low, high=high), field=name)
    if not waves.asks_somebody:
        raise InvalidInput(_("Choose at least one reason to ask."), field="weaker")


def _touch(session: Session, row: Campaign) -> None:
    row.updated_at = clock.now()
    session.flush()


def _fill(session: Session, row: Campaign, basics: Basics) -> None:
    name = " ".join(basics.name.split())
    if not name:
        raise InvalidInput(_("The campaign needs a name; only colleagues see it."), field="name")
    if len(name) > MAX_NAME:
        raise InvalidInput(_("The name is longer than %(max)d characters.", max=MAX_NAME), field="name")
    brand = brands.brand(session, basics.brand_id)
    if topics.topic(session, basics.topic_id).brand_id != brand.id:
        raise InvalidInput(_("The topic belongs to another brand than %(brand)s.", brand=brand.name), field="topic_id")
    if basics.sender_id not in {sender.id for sender in sending.senders(session, brand.id)}:
        raise InvalidInput(
            _("The sender belongs to another brand than %(brand)s.", brand=brand.name), field="sender_id"
        )
    row.name, row.objective, row.kind = name, basics.objective.strip(), basics.kind.value
    row.brand_id, row.topic_id, row.sender_id = brand.id, basics.topic_id, basics.sender_id


def _check_content(language: str, content: ContentText) -> None:
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise InvalidInput(
            _("%(language)s is not a language that mails are written in: %(known)s.", language=language, known=known),
            field="language",
        )
    for field, line in (("subject", content.subject), ("preheader", content.preheader)):
        if len(line) > MAX_LINE:
            raise InvalidInput(_("Longer than %(max)d characters.", max=MAX_LINE), field=field)
        if any(character in line for character in "\r\n\0"):
            raise InvalidInput(_("A line break or control character cannot stand here."), field=field)
    if len(content.mjml) > MAX_DESIGN or "\0" in content.mjml:
        raise InvalidInput(_("The design is too large or holds a NUL character."), field="mjml")
