"""Erasing a person (GDPR 17): what is personal goes everywhere, the opaque id and the chain's digests stay."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from app.core.registries import Registry
from app.customers.policy import normalise
from app.customers.queries.contacts import contact, earlier_addresses
from app.customers.queries.merging import person
from app.customers.services import contacts
from consent.errors import NotAllowed
from consent.models import Pause, PermissionEvent, PermissionEvidence, SignUp, Suppression
from consent.policy.ladder import State
from consent.policy.requests import Kind
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions
from consent.services import access, address, archive, leaving, lists, notices, scans
from consent.services.ledger import Entry, append, lock
from consent.services.preferences import refuse_tracking
from consent.services.requests.filing import file_done
from consent.services.requests.forgetting import forget_person
from consent.services.suppress import suppress_address
from consent.services.withdraw import withdraw

# (session, contact_id): each room nulls what is personal in its own tables
erasure_steps: Registry[Callable[[Session, int], None]] = Registry("steps of erasure")


def erase(session: Session, contact_id: int, *, actor: Actor, actor_id: int | None = None) -> None:
    """Erase a person for good, under every number they have. Their addresses stay suppressed, by keys alone, so that
    no import brings them back.

    All permissions end in the ledger first; then evidence and salts are destroyed. Raises ``NotFound``, or
    ``NotAllowed`` when it was done before.
    """
    erased = {number: lock(session, number)[1] for number in sorted(person(session, contact_id))}
    if erased[contact_id]:
        raise NotAllowed("This person's data was erased before.")
    language = contact(session, contact_id).language or "en"
    for number, before in erased.items():
        if not before:
            _erase(session, number, actor, actor_id)
    if actor is Actor.SUBSCRIBER:
        file_done(session, contact_id, Kind.ERASURE, language=language)


def _erase(session: Session, contact_id: int, actor: Actor, actor_id: int | None) -> None:
    end_permissions(session, contact_id, actor, actor_id)
    archive.keep(session, contact_id)
    keys = address_keys(session, contact_id)
    append(session, contact_id, Entry(Subject.CONTACT, Action.ERASE, actor, actor_id=actor_id))
    for key in keys:
        suppress_address(session, address_key=key, reason="erasure")
    # A plain SHA-256 of an address can be guessed from lists of addresses, and what staff wrote may name the person.
    bare = {"sha256": None, "md5": None, "source": "", "evidence": "", "lifted_why": ""}
    session.execute(update(Suppression).where(Suppression.address_key.in_(keys)).values(**bare))
    forget(session, contact_id, keys)


def forget(session: Session, contact_id: int, keys: list[bytes]) -> None:
    """Null or delete what is personal in every room; ``keys`` are those of the person's addresses.

    What stands in the ledger and in the suppressions is the caller's to settle before.
    """
    scans.note_erased(session, contact_id, keys)
    theirs = or_(SignUp.contact_id == contact_id, SignUp.address_key.in_(keys), SignUp.minor_key.in_(keys))
    session.execute(delete(SignUp).where(theirs))
    entries = select(PermissionEvent.id).where(PermissionEvent.contact_id == contact_id)
    session.execute(delete(PermissionEvidence).where(PermissionEvidence.event_id.in_(entries)))
    notices.forget(session, contact_id)
    lists.forget(session, _addresses(session, contact_id))
    forget_person(session, contact_id, keys)
    session.execute(delete(Pause).where(Pause.contact_id == contact_id))
    leaving.forget(session, contact_id)
    access.forget(session, keys)
    address.forget(session, contact_id, keys)
    for step in erasure_steps:
        step(session, contact_id)
    contacts.erase(session, contact_id)


def end_permissions(session: Session, contact_id: int, actor: Actor, actor_id: int | None) -> None:
    """End in the ledger, by ``actor``, every permission that stands or is asked for, tracking too."""
    known = permissions.of_contact(session, contact_id)
    standing = [topic_id for topic_id, current in known.items() if current.state in (State.GRANTED, State.PENDING)]
    withdraw(session, contact_id, standing, actor=actor, actor_id=actor_id)
    for brand_id, granted in permissions.tracking_of_contact(session, contact_id).items():
        if granted:
            refuse_tracking(session, contact_id, brand_id, actor, {}, actor_id=actor_id)


def address_keys(session: Session, contact_id: int) -> list[bytes]:
    """Return the keys of a contact's present and earlier addresses."""
    return list(dict.fromkeys(normalise(email).address_key for email in _addresses(session, contact_id)))


def _addresses(session: Session, contact_id: int) -> list[str]:
    present = contact(session, contact_id).email
    return [*([present] if present else []), *(old.email for old in earlier_addresses(session, contact_id))]
