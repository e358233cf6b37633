"""A mailing to measure with: a 37 KB newsletter with 15 merge values and 30 links, and as many people as asked for."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.brands.services.set_up import BrandDetails, create_brand, create_sender, ensure_relay, set_controller
from app.core.secrets import address_key
from app.customers.services import fields
from campaigns.services import campaigns, segments
from campaigns.services.campaigns import Basics, ContentText
from consent.services import topics

_FIELDS = ("city", "company", "plan", "points", "shop", "adviser")
_GREETING = (
    "Dear {{ contact.first_name }} {{ contact.last_name }} of {{ contact.company }} in {{ contact.city }}, your plan is"
    " {{ contact.plan }} and you have {{ contact.points }} points at {{ contact.shop }}. {{ contact.adviser }} greets"
    " you and all of {{ contact.city }}; {{ contact.first_name }}, until soon."
)
_STORY = "What we made this month, and what it is good for: a story of some length, as newsletters have them. " * 3


def _design() -> str:
    stories = "".join(
        f"<mj-section><mj-column><mj-text>{_STORY}</mj-text>"
        f'<mj-button href="https://shop.example.com/story/{number}">Story {number}</mj-button></mj-column></mj-section>'
        for number in range(26)
    )
    foot = (
        '<mj-text>{{ why }} {{ postal_address }} <a href="{{ preferences_url }}">Preferences</a>'
        ' <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>'
    )
    return (
        "<mjml><mj-body><mj-section><mj-column>"
        f"<mj-text>{_GREETING}</mj-text></mj-column></mj-section>{stories}"
        f"<mj-section><mj-column>{foot}</mj-column></mj-section></mj-body></mjml>"
    )


def make_audience(session: Session, size: int) -> int:
    """Make a brand, a topic and ``size`` people who permitted it; return the topic's id.

    Their ledger entries have no hashes: nothing that is measured here reads them.
    """
    set_controller(
        session, legal_name="Example SAS", postal_address="1 rue de l'Exemple, Paris", contact_email="dpo@example.com"
    )
    brand_id = create_brand(session, BrandDetails(name="Bench", postal_address="1 rue de l'Exemple, Paris"))
    topic_id = topics.create(session, brand_id, "News")
    create_sender(session, brand_id, name="Bench", email="news@example.com")
    ensure_relay(session)
    for name in _FIELDS:
        fields.declare(session, name, "text", name)
    segments.create(session, "Everybody", {"all": []})
    emails = [f"person{number}@example.net" for number in range(size)]
    session.execute(text(_PEOPLE), {"emails": emails, "keys": [address_key(email) for email in emails]})
    session.execute(text(_LEDGER), {"topic": topic_id})
    return topic_id


_PEOPLE = """
INSERT INTO contact (email, email_key, address_key, first_name, last_name, language, attributes)
SELECT e, e, k, 'Zoé' || n % 1000, 'Example', 'en', jsonb_build_object('city', 'Lyon', 'company', 'Company é', 'plan',
    'pro', 'points', n::text, 'shop', 'Shop ' || n % 50, 'adviser', 'Grace')
FROM unnest(CAST(:emails AS text[]), CAST(:keys AS bytea[])) WITH ORDINALITY AS given(e, k, n)
"""
_LEDGER = """
WITH entry AS (
    INSERT INTO permission_event (contact_id, seq, at, recorded_at, subject, topic_id, action, state, level, basis,
        address_key, actor, prev_hash, hash)
    SELECT id, 1, now(), now(), 'topic', :topic, 'confirm', 'granted', 'confirmed', 'consent', address_key,
        'subscriber', '', '' FROM contact
    RETURNING id, contact_id, address_key),
projected AS (
    INSERT INTO permission (contact_id, topic_id, state, level, basis, address_key, since, event_id)
    SELECT contact_id, :topic, 'granted', 'confirmed', 'consent', address_key, now(), id FROM entry
    RETURNING contact_id, event_id, topic_id)
INSERT INTO tracking_permission (contact_id, brand_id, granted, since, event_id)
SELECT p.contact_id, t.brand_id, true, now(), p.event_id FROM projected p JOIN topic t ON t.id = p.topic_id
"""


def make_campaign(session: Session, topic_id: int) -> int:
    """Make a draft to all people there are; return its id."""
    brand_id, sender_id = session.execute(text("SELECT brand_id, id FROM sender LIMIT 1")).one()
    campaign_id = campaigns.draft(session, Basics("Bench", brand_id, topic_id, sender_id))
    campaigns.set_audience(session, campaign_id, session.scalars(text("SELECT id FROM segment")))
    campaigns.set_content(
        session, campaign_id, "en", ContentText("News for {{ contact.first_name }}", "In short", _design())
    )
    return campaign_id
