"""The button of a re-permission mail: yes, go on writing to me. Silence means no, so nothing else counts as a yes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import tokens
from app.core.errors import InvalidToken
from app.customers.queries.contacts import contact
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions, topics
from consent.queries.responses import answered
from consent.queries.topics import TopicInfo
from consent.services.confirm import Visit
from consent.services.ledger import Entry, append, lock
from consent.services.preferences import masked
from consent.services.sign_up import evidence
from consent.services.withdraw import context


class Standing(StrEnum):
    """Where the question is."""

    OPEN = "open"
    DONE = "done"  # answered with yes
    LEFT = "left"  # withdrew, objected or complained since: an old mail must not undo that
    MOVED = "moved"  # the mail went to an address that is not theirs any more


@dataclass(frozen=True)
class Question:
    """What a re-permission mail asks, of whom."""

    campaign_id: int
    contact_id: int
    brand: BrandInfo
    topic: TopicInfo
    language: str
    address: str
    standing: Standing


def question(session: Session, token: str) -> Question:
    """Return what a link asks. Raises ``InvalidToken``, also for somebody erased and for a mail that asked nothing."""
    named = tokens.read_message(tokens.Purpose.STAY, token)
    mail = context(session, named.campaign_id, named.contact_id)
    if mail is None or not mail.asks:
        raise InvalidToken()
    person = contact(session, named.contact_id)
    if person.erased_at is not None:
        raise InvalidToken()
    state = permissions.standing_of_row(session, person.id, mail.topic_id).state
    if person.objected_at is not None or person.complained_at is not None or state is State.WITHDRAWN:
        standing = Standing.LEFT
    elif mail.address_key != person.address_key:
        standing = Standing.MOVED
    else:
        done = state is State.GRANTED and answered(session, named.campaign_id, person.id)
        standing = Standing.DONE if done else Standing.OPEN
    return Question(
        named.campaign_id,
        person.id,
        brands.brand(session, mail.brand_id),
        topics.topic(session, mail.topic_id),
        person.language or mail.language,
        masked(person.email),
        standing,
    )


def stay(session: Session, token: str, visit: Visit, *, wording: str, language: str) -> Question:
    """Confirm the topic, unless it was answered or the person left since; return the question as it was.

    ``wording`` is the sentence above the button, kept as evidence. Raises ``InvalidToken``.
    """
    lock(session, question(session, token).contact_id)  # two taps on the button are one answer
    asked = question(session, token)
    if asked.standing is not Standing.OPEN:
        return asked
    address = contact(session, asked.contact_id).email or ""
    entry = Entry(
        Subject.TOPIC,
        Action.CONFIRM,
        Actor.SUBSCRIBER,
        topic_id=asked.topic.id,
        level=Level.CONFIRMED,
        basis=Basis.CONSENT,
        campaign_id=asked.campaign_id,
        language=language,
        evidence={**evidence(address, visit.ip, visit.user_agent, visit.page), "wording": wording},
    )
    append(session, asked.contact_id, entry)
    return asked
