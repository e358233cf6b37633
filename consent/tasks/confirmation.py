"""The jobs that answer a sign-up: its confirmation mail, the one reminder, the welcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.dates import format_date

from app.core import links, tokens
from app.core.db import unit_of_work
from app.core.jobs import Queue, enqueue, job, periodic
from app.mail.compose import SystemMail
from app.mail.merge import Value
from consent.policy.welcome import number_of
from consent.queries import topics
from consent.services import reminders, sign_up
from consent.services import welcome as welcomes
from consent.services.confirm import token_for
from consent.services.preferences import masked
from consent.services.sign_up import Mailing
from consent.tasks.post import Listed, post

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BATCH = 500


# For about a day: who signs up while the relay is away may not ask again for half of one.
@job("consent.answer_sign_up", queue=Queue.SYSTEM, attempts=75)
def answer_sign_up(sign_up_id: int) -> None:
    """Send the confirmation mail of a sign-up, unless it is not to have one. May send it twice after a crash."""
    with unit_of_work() as session:
        mailing = sign_up.answer(session, sign_up_id)
        values = _values(mailing, _names(mailing, session)) if mailing else {}
    if mailing is not None:
        name: SystemMail = "confirm" if mailing.minor_email is None else "confirm_parent"
        post(name, mailing.brand_id, mailing.email, mailing.language, values)


@job("consent.remind_sign_up", queue=Queue.SYSTEM)
def remind_sign_up(sign_up_id: int) -> None:
    """Send the one reminder of a sign-up, unless it was confirmed or suppressed meanwhile."""
    with unit_of_work() as session:
        mailing = reminders.still_due(session, sign_up_id)
        values = _values(mailing, _names(mailing, session)) if mailing else {}
    if mailing is not None:
        asked = format_date(mailing.asked_at, "long", locale=mailing.language)
        post("confirm_reminder", mailing.brand_id, mailing.email, mailing.language, {**values, "asked": asked})


@periodic("consent.remind", every=900)
def remind() -> None:
    """Enqueue the reminders that are due."""
    done = BATCH
    while done == BATCH:
        with unit_of_work() as session:
            chosen = reminders.choose(session, BATCH)
            for sign_up_id in chosen.to_mail:
                enqueue(session, remind_sign_up, sign_up_id)
        done = chosen.looked_at


@job("consent.welcome", queue=Queue.SYSTEM)
def welcome(sign_up_id: int) -> None:
    """Send the welcome mail of a confirmed sign-up, if its form has one. May send it twice after a crash."""
    with unit_of_work() as session:
        mail = welcomes.welcome(session, sign_up_id)
    if mail is None:
        return
    token = tokens.sign_message(tokens.Purpose.PERMISSION, number_of(mail.form_id), mail.contact_id)
    values: dict[str, Value] = {
        "subject": mail.subject,
        "paragraphs": mail.paragraphs,
        "topic": mail.topic,
        "unsubscribe_url": links.unsubscribe(token),
        "preferences_url": links.preferences(token),
    }
    listed = Listed(mail.topic_slug, mail.topic)
    post("welcome", mail.brand_id, mail.email, mail.language, values, listed)


def _names(mailing: Mailing, session: Session) -> tuple[str, ...]:
    return tuple(topics.topic(session, topic_id).name(mailing.language) for topic_id in mailing.topic_ids)


def _values(mailing: Mailing, names: tuple[str, ...]) -> dict[str, Value]:
    values: dict[str, Value] = {
        "confirm_url": links.confirm(token_for(mailing.sign_up_id, mailing.nonce)),
        "topics": names,
        "expires": format_date(mailing.expires_at, "long", locale=mailing.language),
    }
    return values if mailing.minor_email is None else {**values, "minor": masked(mailing.minor_email)}
