"""Objection to all marketing and spam complaints: absolute, over all brands, stronger than any permission."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.customers.queries.contacts import contact
from consent.policy.standing import Action, Actor, Subject
from consent.services.ledger import Entry, append
from consent.services.suppress import suppress_address


def object_to_marketing(
    session: Session,
    contact_id: int,
    *,
    actor: Actor,
    actor_id: int | None = None,
    campaign_id: int | None = None,
    evidence: Mapping[str, str] | None = None,
) -> None:
    """Record an objection to all marketing (GDPR 21(2)–(3)): every brand, every address. Repeating does nothing."""
    person = contact(session, contact_id)
    if person.objected_at is not None:
        return
    entry = Entry(
        Subject.MARKETING,
        Action.OBJECT,
        actor,
        actor_id=actor_id,
        campaign_id=campaign_id,
        evidence=evidence or {},
    )
    append(session, contact_id, entry)
    if person.email_key is not None:
        suppress_address(session, email_key=person.email_key, reason="objection")


def complain(
    session: Session, contact_id: int, *, campaign_id: int | None = None, evidence: Mapping[str, str] | None = None
) -> None:
    """Record that a mail was reported as spam (RFC 5965). Repeating does nothing."""
    person = contact(session, contact_id)
    if person.complained_at is not None:
        return
    entry = Entry(Subject.MARKETING, Action.COMPLAIN, Actor.SYSTEM, campaign_id=campaign_id, evidence=evidence or {})
    append(session, contact_id, entry)
    if person.email_key is not None:
        suppress_address(session, email_key=person.email_key, reason="complaint")
