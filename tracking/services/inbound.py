"""What a mail that came in does: a wish to be unsubscribed ends the permission, a bounce or complaint reaches the
message it is about, an answer waits for a person. Nothing is ever answered, and nothing is done without a token.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, log, tokens
from app.core.errors import InvalidInput, InvalidToken, NotFound
from app.core.tokens import MessageToken
from app.customers.policy import normalise
from app.customers.queries.contacts import by_address_key
from app.mail.inbound import Inbound, Kind, Recipient, Returned, ReturnKind
from app.mail.replies import BounceClass
from campaigns.queries import bounces as mails
from campaigns.services import bounces
from consent.services.objections import complain
from consent.services.suppress import suppress_addresses
from consent.services.withdraw import leave
from tracking.models import InboundMail
from tracking.policy.returns import Outcome, bounce_class, theirs

logger = log.get("tracking")
KEPT = timedelta(days=90)  # that a mail which is delivered twice is known again


def receive(session: Session, digest: bytes, found: Inbound, returned: Returned) -> Outcome | None:
    """Apply a mail once, however often it is delivered; return what it was good for, None when it came before.

    ``digest`` tells mails apart; ``found`` and ``returned`` are what it was recognised and classified as.
    """
    fresh = session.scalar(
        insert(InboundMail)
        .values(digest=digest, outcome=Outcome.STRAY.value, at=clock.now())
        .on_conflict_do_nothing()
        .returning(InboundMail.digest)
    )
    if fresh is None:
        return None
    outcome, named = _apply(session, found, returned)
    whose = {"campaign_id": named.campaign_id, "contact_id": named.contact_id or None} if named else {}
    session.execute(update(InboundMail).where(InboundMail.digest == digest).values(outcome=outcome.value, **whose))
    return outcome


def _apply(session: Session, found: Inbound, returned: Returned) -> tuple[Outcome, MessageToken | None]:
    """Do what a mail asks for; return the message it is about where that is certain."""
    match returned.kind:
        case ReturnKind.UNSUBSCRIBE:
            return _unsubscribe(session, found)
        case ReturnKind.BOUNCE | ReturnKind.COMPLAINT:
            return _came_back(session, returned)
        case ReturnKind.REPLY | ReturnKind.NOT_BOUNCE:
            if found.kind is Kind.AUTOMATIC:
                return Outcome.AUTOMATIC, None
            named = returned.token
            sure = named is not None and _is_theirs(session, found.sender, named.contact_id)
            return Outcome.REPLY, named if sure else None
    return Outcome.AUTOMATIC, None


def _came_back(session: Session, returned: Returned) -> tuple[Outcome, MessageToken | None]:
    named = returned.token
    key = mails.address_key(session, named.campaign_id, named.contact_id) if named else None
    told = theirs(returned, lambda address: key == _key(address)) if key else None
    if named is None or key is None or told is None:
        return Outcome.STRAY, None
    if returned.kind is ReturnKind.COMPLAINT:
        # The contact is locked before the message, as erasure does, or each would wait for the other.
        complain(session, named.contact_id, campaign_id=named.campaign_id, evidence={"method": "feedback report"})
        bounces.complain(session, named.campaign_id, named.contact_id)
        # The address of that time, should the person have another one today.
        suppress_addresses(session, [key], "complaint", source=f"campaign {named.campaign_id}")
        return Outcome.COMPLAINED, named
    if not told.final:
        return Outcome.DELAYED, named
    _bounce(session, named, told)
    return Outcome.BOUNCED, named


def _bounce(session: Session, named: MessageToken, told: Recipient) -> None:
    found = bounces.Bounce(bounce_class(told), told.smtp_code or 0, told.enhanced_code or "", told.said or told.reason)
    if bounces.bounce(session, named.campaign_id, named.contact_id, found) and found.cls is BounceClass.BLOCK:
        # Not the person's fault: who sends is refused, and only the operator can mend that.
        logger.warning("sender_refused", campaign=named.campaign_id, reason=told.reason, code=told.enhanced_code)


def _key(address: str) -> bytes | None:
    try:
        return normalise(address).address_key
    except InvalidInput:
        return None


def forget(session: Session) -> None:
    """Forget that old mails came in."""
    session.execute(delete(InboundMail).where(InboundMail.at < clock.now() - KEPT))


def _unsubscribe(session: Session, found: Inbound) -> tuple[Outcome, MessageToken | None]:
    named, method = _named(session, found)
    if named is None or named.contact_id == 0:
        return Outcome.UNAUTHENTIC, None
    try:
        leave(session, named.campaign_id, named.contact_id, {"method": method, "email": found.sender})
    except NotFound:
        return Outcome.UNAUTHENTIC, None
    return Outcome.UNSUBSCRIBED, named


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
