"""Compile a campaign's content to messages: the same for the launch, the preview, the test send and the pump."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.brands.queries import brands, sending
from app.brands.queries.brands import BrandInfo
from app.brands.queries.sending import SendingIdentity
from app.core import config, links, tokens
from app.core.tokens import Purpose
from app.customers.queries import fields as dictionary
from app.mail.content import Design, Fields, compile_design
from app.mail.dkim import Signer
from app.mail.merge import Value
from app.mail.skeleton import Engagement, Frame, Skeleton, build_skeleton
from campaigns.models import Campaign, Repermission
from campaigns.services import footer
from consent.policy.why import Grounds, Matter, why
from consent.queries import forms, topics
from consent.queries.topics import TopicInfo

# Core columns of a contact that a mail may name; declared fields come beside them.
CONTACT_FIELDS = frozenset({"email", "first_name", "last_name", "language", "country", "time_zone"})


@dataclass(frozen=True)
class Skeletons:
    """The two compiled forms of a message."""

    tracked: Skeleton
    untracked: Skeleton


@dataclass(frozen=True)
class Composer:
    """What all messages of a campaign share."""

    campaign_id: int
    campaign_name: str
    brand: BrandInfo
    topic: TopicInfo
    identity: SendingIdentity
    fields: Fields
    rights: str
    places: Mapping[int, str]
    answer_days: int = 0  # of a re-permission mail

    def why(self, language: str, grounds: Grounds | None = None, *, first: bool = False) -> str:
        """Return why a reader gets the mail, as ``consent.policy.why`` says it."""
        place = self.places.get(grounds.form_id or 0, "") if grounds else ""
        matter = Matter(self.topic.name(language), self.brand.name, self.brand.time_zone, self.rights)
        return why(language, matter, grounds, place, first=first)

    def constants(self) -> dict[str, Value]:
        """Return the merge values that are the same for all recipients."""
        return {
            "brand.name": self.brand.name,
            "brand.website": self.brand.website,
            "brand.colour": self.brand.colour,
            "campaign.name": self.campaign_name,
            "postal_address": self.brand.postal_address,
            "answer_days": self.answer_days or "",
        }

    def utm(self) -> Mapping[str, str]:
        """Return the campaign parameters that links get where they have none."""
        return {"utm_source": self.brand.slug, "utm_medium": "email", "utm_campaign": f"c{self.campaign_id}"}

    def design(self, language: str, mjml: str, preheader: str = "") -> Design:
        """Compile a design, with what every mail must show added at its end. Raises ``DesignError`` with line and
        column."""
        made = self._compiled(language, mjml, preheader)
        lacking = footer.missing(made)
        return self._compiled(language, footer.completed(mjml, lacking, language), preheader) if lacking else made

    def _compiled(self, language: str, mjml: str, preheader: str) -> Design:
        return compile_design(
            mjml,
            fields=self.fields,
            constants=self.constants(),
            preheader=preheader,
            language=language,
            utm=self.utm(),
            icons_url=links.mail_icons(),
        )

    def frame(self, language: str, subject: str) -> Frame:
        """Return what the headers are made of."""
        identity, slug = self.identity, self.topic.slug
        return Frame(
            from_address=identity.from_email,
            from_name=identity.from_name,
            subject=subject,
            message_id_domain=identity.return_path_domain,
            reply_to=identity.reply_to,
            list_id=f"{slug}.{self.brand.slug}.{identity.domain}",
            list_name=self.topic.name(language),
            # Google's feedback loop: campaign, topic, brand, sender; never anything of a person.
            feedback_id=f"c{self.campaign_id}:{slug}:{self.brand.slug}:permesso",
        )

    def skeletons(self, language: str, subject: str, design: Design) -> Skeletons:
        """Return both forms: with a token per person and a pixel, and with the campaign-wide token and none."""
        frame, constants = self.frame(language, subject), self.constants()
        base = config.current().base_url
        everyone = tokens.sign_message(Purpose.ENGAGEMENT, self.campaign_id, 0)
        return Skeletons(
            tracked=build_skeleton(design, frame, Engagement(base), constants=constants),
            untracked=build_skeleton(design, frame, Engagement(base, everyone), constants=constants),
        )

    def plain(self, language: str, subject: str, design: Design) -> Skeleton:
        """Return the message with links as written, for previews."""
        return build_skeleton(design, self.frame(language, subject), None, constants=self.constants())

    def signer(self) -> Signer:
        """Return the DKIM signer of the campaign's sender."""
        identity = self.identity
        return Signer(identity.private_key_pem, identity.domain, identity.selector)


def renumbered(design: Design, first: int) -> Design:
    """Return ``design`` with its links numbered from ``first``, so that numbers differ over the languages."""
    return replace(design, links=tuple(replace(link, number=first + link.number) for link in design.links))


def composer(session: Session, campaign_id: int) -> Composer:
    """Return the composer of a campaign. Raises ``NotFound``."""
    campaign = session.get_one(Campaign, campaign_id)
    declared = frozenset(field.name for field in dictionary.dictionary(session))
    return Composer(
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        brand=brands.brand(session, campaign.brand_id),
        topic=topics.topic(session, campaign.topic_id),
        identity=sending.identity(session, campaign.sender_id),
        fields=Fields(CONTACT_FIELDS | declared),
        rights=_rights(session),
        places=forms.places(session),
        answer_days=asking.answer_days if (asking := session.get(Repermission, campaign_id)) else 0,
    )


def _rights(session: Session) -> str:
    """Return where people read about their data and rights, else whom they ask."""
    controller = brands.controller(session)
    return (controller.privacy_url or controller.contact_email) if controller else ""
