"""A fresh, short-lived link to a person's own data, sent to the mailbox of the address that is on record.

What a visitor sees and how long it takes is the same for every address: the request is only written down, by the key
of the address, and a job decides about the mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Boolean, cast, delete, func, select
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import clock, tokens
from app.core.errors import InvalidToken, NotFound
from app.core.places import place
from app.core.tokens import Purpose
from app.customers.queries.contacts import ContactInfo, by_address_key, contact
from consent.models import AccessRequest
from consent.policy import access as policy
from consent.policy.suppression import NO_MAILBOX
from consent.queries import permissions, topics
from consent.queries.suppressions import active_reasons


@dataclass(frozen=True)
class Holder:
    """Who holds a genuine link, proven by the mailbox, and the brand whose look the pages have."""

    contact: ContactInfo
    brand: BrandInfo


@dataclass(frozen=True)
class AccessMail:
    """A link that is to go out."""

    contact_id: int
    address_key: bytes
    email: str
    language: str
    brand_id: int


def token_for(contact_id: int, address_key: bytes, brand_id: int) -> str:
    """Return the token of a link to a person's data. It ends with its time, and with the address it was sent to."""
    return tokens.sign_timed(Purpose.ACCESS, {"c": contact_id, "k": policy.digits(address_key), "b": brand_id})


def holder(session: Session, token: str, *, late: bool = False) -> Holder:
    """Return whose link this is. Raises ``InvalidToken``; ``expired`` tells that a fresh one may be offered.

    With ``late`` one that is past its time counts as well, which is good for a fresh link to the mailbox alone.
    """
    span = policy.RENEWABLE if late else policy.VALID
    payload = tokens.read_timed(Purpose.ACCESS, token, max_age=int(span.total_seconds()))
    try:
        person, brand = contact(session, payload["c"]), brands.brand(session, payload["b"])
    except NotFound:
        raise InvalidToken() from None
    if person.address_key is None or policy.digits(person.address_key) != payload["k"]:
        raise InvalidToken()
    return Holder(person, brand)


def request(session: Session, address_key: bytes, brand_id: int, language: str, ip: str | None) -> int | None:
    """Write down that somebody asked for a link; returns the id for ``tasks.access.answer_access``, or None when this
    place or this address asked too often. The caller shows the same page either way."""
    now = clock.now()
    near = AccessRequest.ip.op("<<=", return_type=Boolean())(cast(place(ip or ""), INET))
    from_here = select(func.count()).where(near, AccessRequest.created_at > now - timedelta(hours=1))
    for_it = select(func.count()).where(
        AccessRequest.address_key == address_key, AccessRequest.created_at > now - policy.VALID
    )
    asked_here, asked_for = session.scalar(from_here) or 0, session.scalar(for_it) or 0
    if asked_here >= policy.IP_HOUR_REQUESTS or asked_for >= policy.ROWS:
        return None
    row = AccessRequest(address_key=address_key, brand_id=brand_id, language=language, ip=ip, created_at=now)
    session.add(row)
    session.flush()
    return row.id


def answer(session: Session, request_id: int, *, by_link: bool = False) -> AccessMail | None:
    """Decide whether a request gets its mail: when somebody has the address, and not too often. ``by_link`` tells that
    who asked holds a link of ours.

    Repeating it decides the same.
    """
    row = session.get(AccessRequest, request_id)
    if row is None:
        return None
    # One decision for an address at a time, or many requests at once would each see no mail before theirs.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"access {row.address_key.hex()}"))))
    session.refresh(row)
    person = _present_holder(session, row.address_key)
    if person is None or person.email is None:
        return None
    if row.mailed_at is None:
        sent = [_mails(session, row.address_key, policy.VALID), _mails(session, row.address_key, timedelta(1))]
        if not policy.may_mail(*sent, holder=by_link) or active_reasons(session, row.address_key) & NO_MAILBOX:
            return None
        row.mailed_at = clock.now()
        session.flush()
    brand_id = _known_to(session, person.id, row.brand_id)
    return AccessMail(person.id, row.address_key, person.email, person.language or row.language, brand_id)


def purge(session: Session) -> int:
    """Forget requests that are counted no more. Returns how many."""
    old = AccessRequest.created_at < clock.now() - policy.KEPT
    return len(session.execute(delete(AccessRequest).where(old).returning(AccessRequest.id)).all())


def forget(session: Session, address_keys: list[bytes]) -> None:
    """Forget the requests for the addresses of an erased person."""
    session.execute(delete(AccessRequest).where(AccessRequest.address_key.in_(address_keys)))


def _present_holder(session: Session, address_key: bytes) -> ContactInfo | None:
    found = (contact(session, contact_id) for contact_id in by_address_key(session, address_key))
    return next((person for person in found if person.address_key == address_key), None)


def _known_to(session: Session, contact_id: int, brand_id: int) -> int:
    """Return the brand that writes: the one asked of, unless the person knows only others."""
    owners = {topic.id: topic.brand_id for topic in topics.topics(session, archived=True)}
    known = {owners[topic_id] for topic_id in permissions.of_contact(session, contact_id)}
    return brand_id if brand_id in known or not known else min(known)


def _mails(session: Session, address_key: bytes, span: timedelta) -> int:
    since = clock.now() - span
    # created_at is what the index knows; a job may be late, but not by more than a day.
    recent = AccessRequest.created_at > since - timedelta(days=1)
    mailed = select(func.count()).where(
        AccessRequest.address_key == address_key, AccessRequest.mailed_at > since, recent
    )
    return session.scalar(mailed) or 0
