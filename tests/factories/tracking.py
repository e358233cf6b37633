"""Builders for tracking and reports: campaigns that were sent, hits on their messages, batches of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.brands.services.set_up import create_sender
from campaigns.models import Campaign, CampaignLink, Message
from tests.factories.consent import make_brand, make_contact, make_topic, track
from tracking.policy.hits import Hit
from tracking.services.record import Stored, store

_numbers = count(1)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
APPLE_PREFETCH = "Mozilla/5.0"
GMAIL_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
SENT = datetime(2025, 3, 4, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """A campaign that was sent, and its people in order."""

    id: int
    brand_id: int
    people: tuple[int, ...]


def make_sent(
    session: Session,
    people: int = 3,
    *,
    links: Sequence[str] = ("https://shop.example/a", "https://shop.example/b", "https://shop.example/c"),
    tracked: bool = True,
    sent_at: datetime = SENT,
    brand_id: int | None = None,
) -> Sent:
    """Make a campaign whose messages were delivered to ``people`` new contacts, who permit tracking if ``tracked``."""
    brand = make_brand(session) if brand_id is None else brand_id
    number = next(_numbers)
    campaign = Campaign(
        brand_id=brand,
        topic_id=make_topic(session, brand),
        sender_id=create_sender(session, brand, name="News", email=f"news{number}@mail.example.com"),
        name=f"Campaign {number}",
        status="finished",
        launched_at=sent_at,
        finished_at=sent_at,
    )
    session.add(campaign)
    session.flush()
    for n, url in enumerate(links):
        session.add(CampaignLink(campaign_id=campaign.id, n=n, url=url, label=f"Link {n}", pieces=[url]))
    session.execute(text("SELECT ensure_message_partition(:id)"), {"id": campaign.id})
    contacts = []
    for _ in range(people):
        contact_id = make_contact(session)
        if tracked:
            track(session, contact_id, brand)
        add_message(session, campaign.id, contact_id, tracked=tracked, sent_at=sent_at)
        contacts.append(contact_id)
    session.flush()
    return Sent(campaign.id, brand, tuple(contacts))


def add_message(
    session: Session,
    campaign_id: int,
    contact_id: int,
    *,
    state: str = "sent",
    tracked: bool = True,
    sent_at: datetime | None = SENT,
    **values: object,
) -> None:
    """Add a member of a frozen audience."""
    session.add(
        Message(campaign_id=campaign_id, contact_id=contact_id, state=state, tracked=tracked, sent_at=sent_at, **values)
    )
    session.flush()


def hit(
    sent: Sent,
    person: int | None,
    *,
    after: float = 60,
    link: int | None = None,
    agent: str = CHROME,
    method: str = "GET",
    hint: str = "",
) -> Hit:
    """Return an open, or with ``link`` a click, ``after`` seconds; ``person`` is a place in ``sent.people``."""
    at = SENT + timedelta(seconds=after)
    return Hit(
        int(at.timestamp() * 1_000_000),
        "open" if link is None else "click",
        sent.id,
        0 if person is None else sent.people[person],
        link,
        method,
        hint,
        "198.51.100.7",
        agent,
    )


def drained(session: Session, hits: Iterable[Hit]) -> Stored:
    """Store hits as one batch, as the drainer does."""
    return store(session, list(hits))
