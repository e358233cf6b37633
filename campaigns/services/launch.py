"""Launch a campaign: say what keeps it from being sent, or hand it to the job that freezes its audience."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.brands.queries import brands, sending
from app.core import clock, links
from app.core.errors import EngineUnavailable, NotFound, UserError
from app.core.jobs import enqueue
from app.mail import mime
from app.mail.content import Design, check_subject
from app.mail.dkim import verify
from app.mail.merge import Value
from campaigns.errors import LaunchRefused
from campaigns.models import Campaign, CampaignContent, CampaignSegment
from campaigns.policy import CampaignAct, CampaignKind
from campaigns.services.compose import Composer, composer
from campaigns.services.control import act
from campaigns.services.pumping import FREEZE


@dataclass(frozen=True)
class Obstacle:
    """One thing that keeps a campaign from being launched: a sentence with the way out. ``where`` names its part:
    segments, content, sender."""

    where: str
    text: str


def check(session: Session, campaign_id: int) -> list[Obstacle]:
    """Return all that keeps a campaign from being launched; nothing means that it may be."""
    campaign = session.get_one(Campaign, campaign_id)
    asks = campaign.kind == CampaignKind.REPERMISSION
    found = _without_relay(session, campaign)
    if not asks:
        found = [*_without_segments(session, campaign_id), *found]
    try:
        composed = composer(session, campaign_id)
    except (NotFound, EngineUnavailable) as error:
        return [*found, Obstacle("sender", str(error))]
    if not links.are_safe():
        found.append(
            Obstacle(
                "sender",
                _("The links in mails begin with http: set BASE_URL to an https address, which one-click needs."),
            )
        )
    if not brands.brand(session, campaign.brand_id).postal_address.strip():
        found.append(Obstacle("sender", _("The brand has no postal address: add it under Settings, Brands.")))
    contents = session.scalars(
        select(CampaignContent).where(CampaignContent.campaign_id == campaign_id).order_by(CampaignContent.language)
    ).all()
    if not contents:
        found.append(Obstacle("content", _("There is no content yet: design the mail in at least one language.")))
    for content in contents:
        found += [Obstacle("content", f"{content.language}: {text}") for text in _content(composed, content, asks)]
    return found


def _without_segments(session: Session, campaign_id: int) -> list[Obstacle]:
    included = exists().where(CampaignSegment.campaign_id == campaign_id, CampaignSegment.mode == "include")
    if session.scalar(select(included)):
        return []
    return [Obstacle("segments", _("No segment is chosen: include at least one."))]


def _without_relay(session: Session, campaign: Campaign) -> list[Obstacle]:
    try:
        sending.relay(session, campaign.brand_id)
    except (NotFound, EngineUnavailable) as error:
        return [Obstacle("sender", str(error))]
    return []


def _content(composed: Composer, content: CampaignContent, asks: bool) -> list[str]:
    """Return what is wrong with the content of one language."""
    if not content.subject.strip():
        return [_("The subject is empty: write one.")]
    try:
        check_subject(content.subject, composed.fields)
        design = composed.design(content.language, content.mjml, content.preheader)
        return [*_missing(design), *_question(design, asks), *_unsigned(composed, content, design)]
    except UserError as error:
        return [str(error)]


def _missing(design: Design) -> list[str]:
    """Gmail's and Yahoo's rules and ePrivacy 13(4) ask for a visible way out, CAN-SPAM §5(a)(5) for the address."""
    missing = []
    if not design.has_unsubscribe:
        missing.append(_("No unsubscribe link is visible in HTML and text: link to {{ unsubscribe_url }}."))
    if not design.has_postal_address and "postal_address" not in design.fields:
        missing.append(_("The postal address is not in the mail: add {{ postal_address }}."))
    return missing


def _question(design: Design, asks: bool) -> list[str]:
    if asks and not all("stay_url" in part for part in (design.html, design.text)):
        return [_("A re-permission mail needs the button by which people say yes: link to {{ stay_url }}.")]
    if not asks and "stay_url" in design.fields:
        return [_("{{ stay_url }} belongs to re-permission campaigns: take it out, or change the kind.")]
    return []


def _unsigned(composed: Composer, content: CampaignContent, design: Design) -> list[str]:
    """Sign a sample as the pump does, and have dkimpy judge it against the record that is published."""
    now = clock.now()
    url = "https://example.com/"
    values: dict[str, Value] = {
        "to_address": "sample@example.com",
        "message_id": "sample",
        "date": mime.date_header(now),
        "engagement_token": "sample",
        "unsubscribe_url": url,
        "unsubscribe_mailbox": "unsubscribe@example.com",
        "why": composed.why(content.language),
        "preferences_url": url,
        "view_url": url,
        "stay_url": url,
    }
    skeleton = composed.skeletons(content.language, content.subject, design).tracked
    rendered = skeleton.render(values)
    signature = composed.signer().sign(rendered, int(now.timestamp()))
    if verify(rendered.message(signature), composed.identity.dkim_record):
        return []
    return [_("The DKIM signature does not verify against the domain's record: renew its key under Settings, Senders.")]


def launch(session: Session, campaign_id: int) -> None:
    """Begin the launch of a draft: a job freezes its audience, then the pumps send.

    Raises ``LaunchRefused`` with every obstacle, ``WrongState``, ``NotFound``.
    """
    campaign = act(session, campaign_id, CampaignAct.LAUNCH)
    obstacles = check(session, campaign_id)
    if obstacles:
        raise LaunchRefused([obstacle.text for obstacle in obstacles])
    campaign.problem = None
    session.flush()
    enqueue(session, FREEZE, campaign_id)


def refuse(session: Session, campaign_id: int, problem: str) -> None:
    """Make a campaign whose launch failed a draft again, and say why."""
    campaign = act(session, campaign_id, CampaignAct.REFUSE)
    campaign.problem = problem
    session.flush()
