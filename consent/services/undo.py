"""Taking back a withdrawal at once: the person's own act, by a token that only the page after it holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.core import clock, tokens
from app.core.errors import InvalidToken
from app.customers.queries.contacts import contact
from consent.policy.access import digits
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor, Standing, Subject
from consent.queries import permissions
from consent.services.ledger import Entry, append

VALID = timedelta(hours=1)


def granted(session: Session, contact_id: int) -> dict[int, Standing]:
    """Return what stands granted, to be remembered before a withdrawal."""
    known = permissions.of_contact(session, contact_id)
    return {topic_id: standing for topic_id, standing in known.items() if standing.state is State.GRANTED}


def token_for(session: Session, contact_id: int, before: dict[int, Standing], withdrawn: Iterable[int]) -> str:
    """Return a token that gives back what stood before; blank when there is nothing to give back.

    What was permitted for a former address did not hold any more, so there is nothing of it to give back.
    """
    key = contact(session, contact_id).address_key
    topics = [
        [topic_id, standing.level, standing.basis, standing.expires_at and standing.expires_at.isoformat()]
        for topic_id, standing in before.items()
        if topic_id in set(withdrawn) and standing.address_key == key
    ]
    if key is None or not topics:
        return ""
    return tokens.sign_timed(tokens.Purpose.UNDO, {"c": contact_id, "k": digits(key), "t": topics})


def undo(
    session: Session, contact_id: int, token: str, *, campaign_id: int | None, evidence: dict[str, str]
) -> list[int]:
    """Give back what the token remembers, as far as it is still withdrawn; return the topics' ids.

    Level, basis and expiry are what they were. Raises ``InvalidToken``, also when the address changed meanwhile: the
    button is in the hands of whoever reads the former one.
    """
    payload = tokens.read_timed(tokens.Purpose.UNDO, token, max_age=int(VALID.total_seconds()))
    key = contact(session, contact_id).address_key
    if payload.get("c") != contact_id or key is None or payload.get("k") != digits(key):
        raise InvalidToken()
    known = permissions.of_contact(session, contact_id)
    given_back = []
    for topic_id, level, basis, expires in payload["t"]:
        expires_at = datetime.fromisoformat(expires) if expires else None
        lapsed = expires_at is not None and expires_at <= clock.now()
        if lapsed or topic_id not in known or known[topic_id].state is not State.WITHDRAWN:
            continue
        entry = Entry(
            Subject.TOPIC,
            Action.GRANT,
            Actor.SUBSCRIBER,
            topic_id=topic_id,
            level=Level(level),
            basis=Basis(basis),
            expires_at=expires_at,
            campaign_id=campaign_id,
            evidence={**evidence, "undo": "yes"},
        )
        append(session, contact_id, entry)
        given_back.append(topic_id)
    return given_back
