"""Builders for campaigns that can be launched: segment, content, sender, relay, and an audience in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.brands.services.set_up import create_sender, ensure_relay
from app.core.db import unit_of_work
from app.core.secrets import address_key
from campaigns.models import Campaign, CampaignContent, CampaignSegment, Segment
from tests.factories.consent import make_brand, make_topic

_numbers = count(1)

MJML = """
<mjml><mj-body><mj-section><mj-column>
<mj-text>Hello {{ contact.first_name | default: "you" }}, here is news from {{ brand.name }}.</mj-text>
<mj-button href="https://shop.example.com/new">See what is new</mj-button>
<mj-text><a href="https://shop.example.com/story?name={{ contact.first_name }}">The story</a></mj-text>
<mj-text>{{ why }} {{ postal_address }} <a href="{{ view_url }}">Web version</a>
<a href="{{ preferences_url }}">Preferences</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
</mj-column></mj-section></mj-body></mjml>
"""

TAGGED = {"all": [{"tag": "customer"}]}


@dataclass(frozen=True)
class Made:
    """A campaign and what it stands on."""

    id: int
    brand_id: int
    topic_id: int


def make_segment(session: Session, definition: dict[str, object] | None = None) -> int:
    """Add a segment; everybody, unless told otherwise."""
    segment = Segment(name=f"Segment {next(_numbers)}", definition=definition or {"all": []})
    session.add(segment)
    session.flush()
    return segment.id


def make_campaign(
    session: Session,
    *,
    mjml: str = MJML,
    subject: str = "News for {{ contact.first_name }}",
    languages: tuple[str, ...] = ("en",),
    include: tuple[int, ...] | None = None,
    exclude: tuple[int, ...] = (),
    domain: str = "example.com",
) -> Made:
    """Add a draft that may be launched, to everybody unless told otherwise."""
    brand_id = make_brand(session)
    topic_id = make_topic(session, brand_id)
    sender_id = create_sender(session, brand_id, name="Example shop", email=f"news@{domain}")
    ensure_relay(session)
    campaign = Campaign(brand_id=brand_id, topic_id=topic_id, sender_id=sender_id, name=f"Campaign {next(_numbers)}")
    session.add(campaign)
    session.flush()
    for language in languages:
        session.add(CampaignContent(campaign_id=campaign.id, language=language, subject=subject, mjml=mjml))
    for segment_id in include if include is not None else (make_segment(session),):
        session.add(CampaignSegment(campaign_id=campaign.id, segment_id=segment_id, mode="include"))
    for segment_id in exclude:
        session.add(CampaignSegment(campaign_id=campaign.id, segment_id=segment_id, mode="exclude"))
    session.flush()
    return Made(campaign.id, brand_id, topic_id)


def again(campaign: Made) -> Made:
    """Add another campaign of the same brand, topic and content to everybody, as a draft."""
    with unit_of_work() as session:
        made = session.execute(
            text(
                "INSERT INTO campaign (brand_id, topic_id, sender_id, name)"
                " SELECT brand_id, topic_id, sender_id, 'again' FROM campaign WHERE id = :id RETURNING id"
            ),
            {"id": campaign.id},
        ).scalar_one()
        session.execute(
            text(
                "INSERT INTO campaign_content (campaign_id, language, subject, mjml)"
                " SELECT :new, language, subject, mjml FROM campaign_content WHERE campaign_id = :old"
            ),
            {"new": made, "old": campaign.id},
        )
        session.add(CampaignSegment(campaign_id=made, segment_id=make_segment(session), mode="include"))
    return Made(made, campaign.brand_id, campaign.topic_id)


def make_audience(session: Session, topic_id: int, size: int, *, domain: str = "example.net") -> list[int]:
    """Add ``size`` contacts with a confirmed permission, set-based: addresses are p1@…, p2@…; returns their ids.

    The ledger entries have no real hashes, which nothing here looks at.
    """
    emails = [f"p{number}@{domain}" for number in range(1, size + 1)]
    rows = session.execute(
        text("""
        INSERT INTO contact (email, email_key, address_key, first_name, last_name, language)
        SELECT e, e, k, 'Ada' || n, 'Example', 'en'
        FROM unnest(CAST(:emails AS text[]), CAST(:keys AS bytea[])) WITH ORDINALITY AS given(e, k, n)
        RETURNING id
        """),
        {"emails": emails, "keys": [address_key(email) for email in emails]},
    )
    ids = [row.id for row in rows]
    session.execute(
        text("""
        WITH entry AS (
            INSERT INTO permission_event (contact_id, seq, at, recorded_at, subject, topic_id, action, state, level,
                basis, address_key, actor, prev_hash, hash)
            SELECT id, 1, now(), now(), 'topic', :topic, 'confirm', 'granted', 'confirmed', 'consent', address_key,
                'subscriber', '', ''
            FROM contact WHERE id = ANY(:ids)
            RETURNING id, contact_id, address_key)
        INSERT INTO permission (contact_id, topic_id, state, level, basis, address_key, since, event_id)
        SELECT contact_id, :topic, 'granted', 'confirmed', 'consent', address_key, now(), id FROM entry
        """),
        {"topic": topic_id, "ids": ids},
    )
    return ids
