"""A person's own change of address (GDPR 16): asked for behind a fresh link, confirmed in the new mailbox.

What they permitted follows them, because the button in the new mailbox is their own confirmed act; an objection or
complaint stays, because it belongs to the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from app.core import clock, tokens
from app.core.errors import Conflict, InvalidInput, InvalidToken, NotFound
from app.core.tokens import Purpose
from app.customers.policy import normalise
from app.customers.queries.contacts import ContactInfo, contact, earlier_addresses
from app.customers.services.contacts import change_address
from consent.models import AddressChange
from consent.policy import access as policy
from consent.policy import bombing
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor, Standing, Subject
from consent.policy.suppression import NO_MAILBOX, NO_SERVICE_MAIL
from consent.queries import permissions, topics, unasked
from consent.queries.suppressions import active_reasons
from consent.queries.topics import TopicInfo
from consent.services import wordings
from consent.services.confirm import Visit
from consent.services.ledger import Entry, append
from consent.services.ledger import lock as lock_contact
from consent.services.sign_up import evidence
from consent.services.suppress import lift_by_own_act


@dataclass(frozen=True)
class Change:
    """A change that waits for its confirmation, or is ``done``. ``topics`` are what follows to the new address."""

    id: int
    contact_id: int
    brand_id: int
    email: str
    former: str | None
    language: str
    topics: tuple[TopicInfo, ...]
    done: bool


def token_for(change_id: int) -> str:
    """Return the token of the mail to the new address."""
    return tokens.sign_timed(Purpose.ADDRESS, {"a": change_id})


def request(session: Session, person: ContactInfo, brand_id: int, address: str, language: str) -> int | None:
    """Write a wanted change down; returns the id for ``tasks.access.ask_new_address``, or None when a day brought too
    many. The caller says the same either way. Raises ``InvalidInput`` for what is no address or no change."""
    found = normalise(address)
    assert person.address_key is not None
    if found.address_key == person.address_key:
        raise InvalidInput(_("This is the address that we have already."), field="email")
    mailbox = bombing.mailbox_key(found.email, found.domain)
    unasked.lock(session, mailbox)
    today = AddressChange.created_at > clock.now() - timedelta(days=1)
    mine = select(func.count()).where(today, AddressChange.contact_id == person.id)
    if (session.scalar(mine) or 0) >= policy.DAY_CHANGES:
        return None
    if unasked.to_mailbox(session, mailbox, bombing.DAY) >= bombing.DAY_MAILS:
        return None
    row = AddressChange(
        contact_id=person.id,
        brand_id=brand_id,
        email=found.email,
        address_key=found.address_key,
        mailbox_key=mailbox,
        former_key=person.address_key,
        language=language,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id


def answer(session: Session, change_id: int) -> Change | None:
    """Return the change that is to be asked for in the new mailbox, or None: it is done, undone or to a mailbox that
    is not there."""
    row = session.get(AddressChange, change_id, with_for_update=True)
    if row is None or row.confirmed_at is not None or active_reasons(session, row.address_key) & NO_SERVICE_MAIL:
        return None
    row.mailed_at = row.mailed_at or clock.now()
    return _change(session, row, contact(session, row.contact_id))


def pending(session: Session, token: str) -> Change:
    """Return what the page in the new mailbox shows. Raises ``InvalidToken``."""
    row = _row(session, token)
    return _change(session, row, contact(session, row.contact_id))


def confirm(session: Session, token: str, visit: Visit, wording: str) -> Change:
    """Change the address and let what was permitted follow it, with ``wording`` as what was agreed to.

    Repeating does nothing. Raises ``InvalidToken``, or ``Conflict`` when somebody else has the address.
    """
    lock_contact(session, _row(session, token).contact_id)  # before the request, as erasure does
    row = _row(session, token, lock=True)
    change = _change(session, row, contact(session, row.contact_id))
    if change.done:
        return change
    person = contact(session, row.contact_id)
    known = permissions.of_contact(session, person.id)
    try:
        change_address(session, person.id, row.email, by_person=True)
    except Conflict:
        raise Conflict(
            _("Somebody else is known to us by this address. If both are you, write to us and we put them together.")
        ) from None
    proof = evidence(row.email, visit.ip, visit.user_agent, visit.page)
    objected = person.objected_at is not None or person.complained_at is not None
    for topic in change.topics:
        append(session, person.id, _follows(session, row, known[topic.id], topic.id, wording, proof))
        if not objected:
            lift_by_own_act(session, row.address_key, [topic.id], topic.brand_id)
    row.confirmed_at = clock.now()
    session.flush()
    return change


def renew(session: Session, token: str) -> int | None:
    """Ask again for the change that an expired link was about; returns the id of the new request, or None when there
    is nothing to renew: the visitor sees the same either way. Raises ``InvalidToken`` when forged."""
    payload = tokens.read_timed(Purpose.ADDRESS, token, max_age=int(policy.CHANGE_KEPT.total_seconds()))
    row = session.get(AddressChange, payload.get("a"))
    if row is None or row.confirmed_at is not None:
        return None
    person = contact(session, row.contact_id)
    if person.address_key != row.former_key:
        return None
    return request(session, person, row.brand_id, row.email, row.language)


def former_address(session: Session, change_id: int) -> tuple[Change, str] | None:
    """Return a change that was made and the address that it ended, which is to be told; None once that is unknown."""
    row = session.get(AddressChange, change_id)
    if row is None or row.confirmed_at is None or active_reasons(session, row.former_key) & NO_MAILBOX:
        return None
    addresses = (old.email for old in earlier_addresses(session, row.contact_id))
    former = next((old for old in addresses if normalise(old).address_key == row.former_key), None)
    return None if former is None else (_change(session, row, contact(session, row.contact_id)), former)


def purge(session: Session) -> int:
    """Forget changes that were asked for long enough ago; the ledger proves those that were made. Returns how many."""
    old = AddressChange.created_at < clock.now() - policy.CHANGE_KEPT
    return len(session.execute(delete(AddressChange).where(old).returning(AddressChange.id)).all())


def forget(session: Session, contact_id: int, address_keys: list[bytes]) -> None:
    """Forget the changes of an erased person, and those of others to their address."""
    own, to_theirs = AddressChange.contact_id == contact_id, AddressChange.address_key.in_(address_keys)
    session.execute(delete(AddressChange).where(or_(own, to_theirs)))


def _row(session: Session, token: str, *, lock: bool = False) -> AddressChange:
    payload = tokens.read_timed(Purpose.ADDRESS, token, max_age=int(policy.CHANGE_VALID.total_seconds()))
    row = session.get(AddressChange, payload.get("a"), with_for_update=lock, populate_existing=lock)
    if row is None:
        raise InvalidToken()
    try:
        present = contact(session, row.contact_id).address_key
    except NotFound:
        raise InvalidToken() from None
    # An address that changed otherwise meanwhile ends the request, as does erasure.
    if present != (row.address_key if row.confirmed_at else row.former_key):
        raise InvalidToken()
    return row


def _change(session: Session, row: AddressChange, person: ContactInfo) -> Change:
    now = clock.now()
    known = permissions.of_contact(session, person.id)
    key = row.address_key if row.confirmed_at else row.former_key
    follow = tuple(
        topic
        for topic in topics.topics(session)
        if topic.id in known and known[topic.id].at(now).state is State.GRANTED and known[topic.id].address_key == key
    )
    former = None if row.confirmed_at else person.email
    return Change(
        row.id, row.contact_id, row.brand_id, row.email, former, row.language, follow, row.confirmed_at is not None
    )


def _follows(
    session: Session, row: AddressChange, standing: Standing, topic_id: int, wording: str, proof: dict[str, str]
) -> Entry:
    """Consent is confirmed by the button in the new mailbox; every other basis stays what it was. So does its end."""
    consent = standing.basis is Basis.CONSENT
    return Entry(
        Subject.TOPIC,
        Action.CONFIRM if consent else Action.GRANT,
        Actor.SUBSCRIBER,
        topic_id=topic_id,
        level=Level.CONFIRMED if consent else standing.level,
        basis=standing.basis,
        expires_at=standing.expires_at,
        wording_id=wordings.ensure(session, None, "address", row.language, wording),
        language=row.language,
        evidence=proof | {"method": "change of address"},
    )
