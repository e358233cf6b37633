"""Withdrawing: by link, by one-click, on the preference page, by staff on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.registries import Registry
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions, topics
from consent.services.ledger import Entry, append


@dataclass(frozen=True)
class MailContext:
    """The mail that a permission link was in. ``address_key`` is that of the address it was sent to, when known."""

    brand_id: int
    topic_id: int
    language: str
    campaign_name: str
    address_key: bytes | None = None
    asks: bool = False  # a re-permission mail


# (session, campaign_id, contact_id): campaigns knows its mails; None when there was no such mail
contexts: Registry[Callable[[Session, int, int], MailContext | None]] = Registry("contexts of permission links")
# (session, contact_id, withdrawn topic ids, campaign_id): campaigns marks the message, for its reports
listeners: Registry[Callable[[Session, int, list[int], int | None], None]] = Registry("listeners to withdrawals")


def context(session: Session, campaign_id: int, contact_id: int) -> MailContext | None:
    """Return what is known of the mail that a permission link was in."""
    found = (ask(session, campaign_id, contact_id) for ask in contexts)
    return next((known for known in found if known is not None), None)


def withdraw(
    session: Session,
    contact_id: int,
    topic_ids: Iterable[int] | None,
    *,
    actor: Actor,
    brand_id: int | None = None,
    actor_id: int | None = None,
    campaign_id: int | None = None,
    evidence: Mapping[str, str] | None = None,
) -> list[int]:
    """Withdraw topics and return the ids of those that were not withdrawn before; repeating does nothing.

    ``topic_ids`` None stands for every topic of ``brand_id`` (or, without one, of all brands): those never asked
    about become withdrawn too, so that no later import can fill them.
    """
    wanted = [topic.id for topic in topics.topics(session, brand_id, archived=True)] if topic_ids is None else topic_ids
    known = permissions.of_contact(session, contact_id)
    changed = []
    for topic_id in dict.fromkeys(wanted):
        if topic_id in known and known[topic_id].state is State.WITHDRAWN:
            continue
        entry = Entry(
            Subject.TOPIC,
            Action.WITHDRAW,
            actor,
            topic_id=topic_id,
            actor_id=actor_id,
            campaign_id=campaign_id,
            evidence=evidence or {},
        )
        append(session, contact_id, entry)
        changed.append(topic_id)
    if changed:
        for listener in listeners:
            listener(session, contact_id, changed, campaign_id)
    return changed


def leave(session: Session, campaign_id: int, contact_id: int, evidence: Mapping[str, str]) -> None:
    """Unsubscribe from what a mail was about, as its permission token asks: by one-click or by mail.

    Should the mail be unknown by now, what is asked for is still clear: nothing more. So everything ends then.
    Raises ``NotFound`` when there is no such contact.
    """
    mail = context(session, campaign_id, contact_id)
    withdraw(
        session,
        contact_id,
        [mail.topic_id] if mail else None,
        actor=Actor.SUBSCRIBER,
        campaign_id=campaign_id,
        evidence=evidence,
    )
