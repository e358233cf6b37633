"""What a mail that came in does: a genuine wish to be unsubscribed ends the permission; nothing is ever answered."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, tokens
from app.core.errors import InvalidInput, InvalidToken, NotFound
from app.core.tokens import MessageToken
from app.customers.policy import normalise
from app.customers.queries.contacts import by_address_key
from app.mail.inbound import Inbound, Kind
from consent.services.withdraw import leave
from tracking.models import InboundMail

KEPT = timedelta(days=90)  # that a mail which is delivered twice is known again


def receive(session: Session, digest: bytes, found: Inbound) -> str | None:
    """Apply a mail once, however often it is delivered; return what it was good for, None when it came before.

    ``digest`` tells mails apart. The outcome: ``unsubscribed``, ``unauthentic`` (no token of ours, or not that
    person's), ``reply`` (for a person to read), ``automatic``.
    """
    fresh = session.scalar(
        insert(InboundMail)
        .values(digest=digest, outcome=found.kind.value, at=clock.now())
        .on_conflict_do_nothing()
        .returning(InboundMail.digest)
    )
    if fresh is None:
        return None
    outcome = _unsubscribe(session, found) if found.kind is Kind.UNSUBSCRIBE else found.kind.value
    session.get_one(InboundMail, digest).outcome = outcome
    return outcome


def forget(session: Session) -> None:
    """Forget that old mails came in."""
    session.execute(delete(InboundMail).where(InboundMail.at < clock.now() - KEPT))


def _unsubscribe(session: Session, found: Inbound) -> str:
    named, method = _named(session, found)
    if named is None or named.contact_id == 0:
        return "unauthentic"
    try:
        leave(session, named.campaign_id, named.contact_id, {"method": method, "email": found.sender})
    except NotFound:
        return "unauthentic"
    return "unsubscribed"


def _named(session: Session, found: Inbound) -> tuple[MessageToken | None, str]:
    """Return which message the wish is about, and how it was made.

    A token in the address that was written to is enough. One in the message id that is answered travels with every
    forwarded copy, so there the sender must have, or have had, the address that the message went to.
    """
    for address in found.recipients:
        local = address.partition("@")[0]
        for read, method in ((tokens.read_unsubscribe_mailbox, "mailto"), (tokens.read_return_path, "reply")):
            try:
                return read(local.lower()), method
            except InvalidToken:
                continue
    for reference in found.references:
        try:
            named = tokens.read_return_path(reference.partition("@")[0])
        except InvalidToken:
            continue
        if _is_theirs(session, found.sender, named.contact_id):
            return named, "reply"
    return None, ""


def _is_theirs(session: Session, sender: str, contact_id: int) -> bool:
    try:
        return contact_id in by_address_key(session, normalise(sender).address_key)
    except InvalidInput:
        return False
