"""Builders for tests: brands, topics, contacts with permission, by the product's own services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import count

from sqlalchemy.orm import Session

from app.brands.services.set_up import BrandDetails, create_brand, set_controller
from app.core import clock
from app.customers.services.contacts import find_or_create
from consent.policy.grounds import GROUNDS, WHEN
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.services import topics
from consent.services.ledger import Entry, append

_numbers = count(1)


def make_brand(session: Session, name: str = "", **details: object) -> int:
    """Return the id of a new brand; the controller stands beside it."""
    set_controller(
        session, legal_name="Example SAS", postal_address="1 rue de l'Exemple, Paris", contact_email="dpo@example.com"
    )
    values = {"name": name or f"Brand {next(_numbers)}", "postal_address": "1 rue de l'Exemple, Paris", **details}
    return create_brand(session, BrandDetails(**values))


def make_topic(
    session: Session,
    brand_id: int | None = None,
    name: str = "",
    *,
    accepts: Mapping[str, Iterable[str]] | None = None,
    public: bool = True,
) -> int:
    """Return the id of a new topic, with a brand of its own unless one is given."""
    brand = make_brand(session) if brand_id is None else brand_id
    return topics.create(session, brand, name or f"Topic {next(_numbers)}", accepts=accepts, public=public)


def make_contact(session: Session, address: str = "", **fields: str) -> int:
    """Return the id of a new contact at a reserved domain."""
    return find_or_create(session, address or f"person{next(_numbers)}@example.com", **fields)


def grant(
    session: Session,
    contact_id: int,
    topic_id: int,
    *,
    level: Level = Level.CONFIRMED,
    basis: Basis = Basis.CONSENT,
    actor: Actor = Actor.SUBSCRIBER,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    evidence: Mapping[str, str] | None = None,
) -> int:
    """Grant a topic, with all that the basis asks for unless evidence is given; returns the ledger entry's id."""
    happened = at or (clock.now() if GROUNDS[basis].months else None)
    made = entry(topic_id, level, basis, actor, at=happened, expires_at=expires_at, evidence=evidence or stated(basis))
    return append(session, contact_id, made)


def entry(
    topic_id: int,
    level: Level,
    basis: Basis,
    actor: Actor,
    *,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    evidence: Mapping[str, str],
) -> Entry:
    """Return an entry that grants a topic."""
    action = Action.CONFIRM if level is Level.CONFIRMED and actor is Actor.SUBSCRIBER else Action.GRANT
    return Entry(
        Subject.TOPIC,
        action,
        actor,
        topic_id=topic_id,
        level=level,
        basis=basis,
        at=at,
        expires_at=expires_at,
        evidence=evidence,
    )


def stated(basis: Basis) -> dict[str, str]:
    """Return evidence that states every condition of a basis."""
    return {"source": "test"} | {name: f"some {name}" for name in GROUNDS[basis].conditions if name != WHEN}


def act(session: Session, contact_id: int, action: Action, *, topic_id: int, actor: Actor = Actor.SUBSCRIBER) -> int:
    """Write an act about a topic that states no level: request, withdraw, expire."""
    return append(session, contact_id, Entry(Subject.TOPIC, action, actor, topic_id=topic_id))


def track(session: Session, contact_id: int, brand_id: int, *, granted: bool = True) -> int:
    """Permit or refuse tracking by a brand."""
    entry = Entry(
        Subject.TRACKING,
        Action.GRANT if granted else Action.WITHDRAW,
        Actor.SUBSCRIBER,
        brand_id=brand_id,
        level=Level.CONFIRMED if granted else None,
        basis=Basis.CONSENT if granted else None,
    )
    return append(session, contact_id, entry)


def permitted_contact(session: Session, topic_id: int, address: str = "", **fields: str) -> int:
    """Return the id of a new contact who confirmed a topic."""
    contact_id = make_contact(session, address, **fields)
    grant(session, contact_id, topic_id)
    return contact_id
