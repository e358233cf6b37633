"""A small crowd with every oddity that a segment may meet, and what is known of it in plain Python."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from campaigns.services.partitions import ensure
from tests.factories.customers import make_contact, make_field

NOW = datetime(2026, 2, 27, 12, tzinfo=UTC)
TAGS = ("vip", "customer", "Vip")
FIELDS = {
    "history": "number",
    "womens": "number",
    "born": "date",
    "member": "boolean",
    "size": "choice",
    "likes": "choices",
    "note": "text",
    "lat": "number",
    "lon": "number",
}
CHOICES = {"size": ("S", "M", "L"), "likes": ("tea", "coffee", "juice")}
_VALUES = {
    "history": (0, 150, 200, 200.5, 250, "250", True, None, [200]),
    "womens": (0, 1, 1.0, "1", False, None),
    "born": ("1990-02-27", "1992-02-29", "1985-03-01", "2026-02-20", "1990-12-31", "soon", 19900227, "", None),
    "member": (True, False, "true", 1, None),
    "size": ("S", "M", "XL", 3, "", None),
    "likes": (["tea"], ["tea", "coffee"], [], "tea", None),
    "lat": (48.8566, 45.764, 51.5, -33.9, 89.9, "48.8566", True, None),
    "lon": (2.3522, 4.8357, -0.12, 151.2, 179.9, -179.9, [2.3522], None),
    "note": ("", "50% off", "50 off", "Ünder_score", "UNDER score", "back\\slash", 50, None),
}
STATES = ("granted", "withdrawn", "pending", "expired", "never_asked")
LEVELS = ("opt_out", "passive", "opt_in", "confirmed")


@dataclass
class Grant:
    """A row of the projection of permission."""

    state: str
    level: str | None
    since: datetime
    expires_at: datetime | None


@dataclass
class Mail:
    """A message that a person has in the audience of a campaign."""

    campaign: int
    state: str
    tracked: bool
    bounced: bool
    sent_at: datetime
    opened_at: datetime | None
    clicked_at: datetime | None


@dataclass
class Stop:
    """A suppression of the address, or of a rule that covers it; ``topic`` None is for all mail."""

    reason: str
    topic: str | None
    holds: bool


@dataclass
class Sale:
    """An order, or (with ``refunds``) what was given back of one."""

    at: datetime
    value: Decimal
    brand: str
    items: list[dict[str, str]]
    refunds: Sale | None = None


@dataclass
class Click:
    """A click of a human."""

    campaign: int
    link: int
    at: datetime


@dataclass
class Person:
    """What is known of somebody."""

    id: int
    email: str
    first_name: str
    country: str | None
    tags: tuple[str, ...]
    created_at: datetime
    attributes: dict[str, object]
    permissions: dict[str, Grant] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    time_zone: str | None = None
    objected: bool = False
    complained: bool = False
    suppressions: list[Stop] = field(default_factory=list)
    orders: list[Sale] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    lists: set[int] = field(default_factory=set)


@dataclass
class Crowd:
    """Everybody; ``campaigns`` are launched ones, the latest first, with the time each was finished."""

    people: list[Person]
    topics: list[str]
    campaigns: list[tuple[int, datetime | None]]
    links: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)  # (campaign, n): address, category
    lists: list[int] = field(default_factory=list)
    segments: dict[int, dict[str, object]] = field(default_factory=dict)
    home: str = "UTC"


def make_crowd(session: Session, topics: dict[str, int], campaigns: list[int], *, size: int = 60) -> Crowd:
    """Store a crowd. ``campaigns`` are ids, the latest first; ``topics`` map slugs to ids."""
    chance = random.Random(20260227)
    for name, kind in FIELDS.items():
        make_field(session, name, kind, CHOICES.get(name, ()))
    finished = _launch(session, campaigns)
    people = [_person(session, chance) for _ in range(size)]
    for person in people:
        for slug, topic_id in topics.items():
            if chance.random() < 0.8:
                _permit(session, chance, person, slug, topic_id)
        for campaign_id in campaigns:
            if chance.random() < 0.7:
                _mail(session, chance, person, campaign_id)
        _profile(session, chance, person)
    return Crowd(people, list(topics), list(zip(campaigns, finished, strict=True)))


def _launch(session: Session, campaigns: list[int]) -> list[datetime | None]:
    finished: list[datetime | None] = []
    for age, campaign_id in enumerate(campaigns):
        launched = NOW - timedelta(days=20 * age + 1)
        finished.append(launched + timedelta(hours=5) if age else None)
        session.execute(
            text("UPDATE campaign SET status = 'finished', launched_at = :at, finished_at = :end WHERE id = :id"),
            {"at": launched, "end": finished[-1], "id": campaign_id},
        )
        ensure(session, campaign_id)
    return finished


def _person(session: Session, chance: random.Random) -> Person:
    tags = tuple(sorted(tag for tag in TAGS if chance.random() < 0.4))
    first_name = chance.choice(("Ada", "ada", "Bob", "", "Élodie"))
    contact_id = make_contact(session, tags=tags, first_name=first_name)
    attributes = {
        name: value for name in FIELDS if (value := chance.choice(_VALUES[name])) is not None or chance.random() < 0.3
    }
    country = chance.choice((None, "FR", "DE", "GB"))
    created = NOW - timedelta(days=chance.choice((0, 1, 6, 7, 8, 400)))
    zone = chance.choice((None, "", "Europe/Paris", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Mars/Phobos"))
    email = session.execute(
        text(
            "UPDATE contact SET attributes = CAST(:attributes AS jsonb), country = :country, created_at = :created,"
            " time_zone = :zone WHERE id = :id RETURNING email_key"
        ),
        {
            "attributes": json.dumps(attributes),
            "country": country,
            "created": created,
            "zone": zone,
            "id": contact_id,
        },
    ).scalar_one()
    return Person(contact_id, email, first_name, country, tags, created, attributes, time_zone=zone)


def _permit(session: Session, chance: random.Random, person: Person, slug: str, topic_id: int) -> None:
    grant = Grant(
        chance.choice(STATES),
        chance.choice((*LEVELS, None)),
        NOW - timedelta(days=chance.choice((1, 29, 31))),
        chance.choice((None, None, NOW - timedelta(days=1), NOW + timedelta(days=1))),
    )
    session.execute(
        text(
            "INSERT INTO permission (contact_id, topic_id, state, level, since, expires_at, event_id)"
            " VALUES (:contact, :topic, :state, :level, :since, :expires, 1)"
        ),
        {
            "contact": person.id,
            "topic": topic_id,
            "state": grant.state,
            "level": grant.level,
            "since": grant.since,
            "expires": grant.expires_at,
        },
    )
    person.permissions[slug] = grant


def _mail(session: Session, chance: random.Random, person: Person, campaign_id: int) -> None:
    sent_at = NOW - timedelta(days=chance.choice((1, 10, 40)))
    state, tracked = chance.choice(("sent", "sent", "skipped", "failed")), chance.random() < 0.6
    responded = state == "sent" and tracked
    opened = sent_at + timedelta(hours=1) if responded and chance.random() < 0.5 else None
    clicked = opened if chance.random() < 0.5 else None
    mail = Mail(campaign_id, state, tracked, chance.random() < 0.1, sent_at, opened, clicked)
    session.execute(
        text(
            "INSERT INTO message (campaign_id, contact_id, state, tracked, sent_at, bounce_class, human_opened_at,"
            " clicked_at) VALUES (:campaign, :contact, :state, :tracked, :sent, :bounce, :opened, :clicked)"
        ),
        {
            "campaign": campaign_id,
            "contact": person.id,
            "state": state,
            "tracked": tracked,
            "sent": sent_at,
            "bounce": "hard" if mail.bounced else None,
            "opened": opened,
            "clicked": clicked,
        },
    )
    person.mails.append(mail)


def _profile(session: Session, chance: random.Random, person: Person) -> None:
    """The latest response: later than the first one when somebody came back."""
    back = timedelta(days=chance.choice((0, 0, 5)))
    opened = max((mail.opened_at for mail in person.mails if mail.opened_at), default=None)
    clicked = max((mail.clicked_at for mail in person.mails if mail.clicked_at), default=None)
    latest = NOW - timedelta(hours=1)
    person.opened_at = min(opened + back, latest) if opened else None
    person.clicked_at = min(clicked + back, latest) if clicked else None
    if person.opened_at:
        session.execute(
            text("INSERT INTO contact_profile (contact_id, opened_at, clicked_at) VALUES (:id, :opened, :clicked)"),
            {"id": person.id, "opened": person.opened_at, "clicked": person.clicked_at},
        )
