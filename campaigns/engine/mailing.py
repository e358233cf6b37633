"""All that one campaign's messages share, loaded once for a run of the pump; and the making of one message."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.brands.queries import sending
from app.brands.queries.sending import RelayInfo
from app.core import links, tokens
from app.core.tokens import Purpose
from app.mail import mime
from app.mail.skeleton import Skeleton
from app.mail.smtp import Outgoing
from campaigns.models import Campaign, CampaignContent
from campaigns.services.claim import ClaimScope, Recipient
from campaigns.services.compose import composer

_CONTACT = "contact."


class Mailing:
    """One campaign, ready to be written to each of its recipients."""

    def __init__(self, session: Session, campaign_id: int, host: str) -> None:
        """Load a campaign that has been launched. Raises ``NotFound`` or ``EngineUnavailable`` for its relay."""
        campaign = session.get_one(Campaign, campaign_id)
        composed = composer(session, campaign_id)
        self.campaign_id = campaign_id
        self.relay: RelayInfo = sending.relay_by_id(session, campaign.relay_id or 0)
        self._signer = composed.signer()
        self._return_path_domain = composed.identity.return_path_domain
        self._skeletons = _load(session, campaign_id)
        needs = frozenset[str]().union(*(skeleton.needs for skeleton in self._skeletons.values()))
        self._wants_preferences = "preferences_url" in needs
        self._wants_view = "view_url" in needs
        self._composed = composed
        self._wants_stay = "stay_url" in needs
        self._engagement = tokens.message_signer(Purpose.ENGAGEMENT)
        self._return_path = tokens.return_path_signer()
        self._permission = tokens.message_signer(Purpose.PERMISSION)
        self._view = tokens.message_signer(Purpose.VIEW)
        self._stay = tokens.message_signer(Purpose.STAY)
        self._date_of, self._date_text = 0, ""
        self.scope = ClaimScope(
            campaign_id=campaign_id,
            topic_id=campaign.topic_id,
            brand_id=campaign.brand_id,
            host=host,
            fields=frozenset(name.removeprefix(_CONTACT) for name in needs if name.startswith(_CONTACT)),
        )

    def write(self, recipient: Recipient, key: Hashable, now: datetime) -> Outgoing:
        """Return the signed message to one recipient.

        Raises ``AddressRefused`` when no envelope can carry the address, ``DesignError`` when a value breaks a tag.
        Message-ID and return path are made of campaign and contact alone: a second try bears the same ones.
        """
        campaign_id, contact_id = self.campaign_id, recipient.contact_id
        seconds = int(now.timestamp())
        identifier = self._return_path(campaign_id, contact_id)
        permission = self._permission(campaign_id, contact_id)
        values = recipient.values
        values["to_address"] = recipient.email
        values["message_id"] = identifier
        values["date"] = self._date(seconds, now)
        values["unsubscribe_url"] = links.unsubscribe(permission)
        values["unsubscribe_mailbox"] = tokens.unsubscribe_mailbox(permission, self._return_path_domain)
        if self._wants_preferences:
            values["preferences_url"] = links.preferences(permission)
        if self._wants_view:
            values["view_url"] = links.view(self._view(campaign_id, contact_id))
        values["why"] = self._composed.why(recipient.language, recipient.grounds, first=recipient.first)
        if self._wants_stay:
            values["stay_url"] = links.stay(self._stay(campaign_id, contact_id))
        if recipient.tracked:
            values["engagement_token"] = self._engagement(campaign_id, contact_id)
        rendered = self._skeletons[recipient.language, recipient.tracked].render(values)
        return Outgoing(
            key,
            f"{identifier}@{self._return_path_domain}",
            mime.envelope_address(recipient.email),
            rendered.parts(self._signer.sign(rendered, seconds)),
        )

    def _date(self, seconds: int, now: datetime) -> str:
        """Return the Date header; thousands of messages share a second."""
        if seconds != self._date_of:
            self._date_of, self._date_text = seconds, mime.date_header(now)
        return self._date_text


def _load(session: Session, campaign_id: int) -> dict[tuple[str, bool], Skeleton]:
    """Return the compiled messages by language and whether they track."""
    rows = session.execute(
        select(CampaignContent.language, CampaignContent.skeleton, CampaignContent.untracked_skeleton).where(
            CampaignContent.campaign_id == campaign_id, CampaignContent.skeleton.is_not(None)
        )
    ).all()
    loaded: dict[tuple[str, bool], Skeleton] = {}
    for language, tracked, untracked in rows:
        assert tracked is not None and untracked is not None
        loaded[language, True] = Skeleton.from_bytes(tracked)
        loaded[language, False] = Skeleton.from_bytes(untracked)
    return loaded
