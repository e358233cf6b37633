"""The welcome mail of a form: mail of the topic that was confirmed, with its ways out, and only while that stands."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, literal, select
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import PermissionEvent, SignUp
from consent.policy.standing import Action
from consent.policy.welcome import form_of
from consent.queries import forms, topics
from consent.queries.gates import gates
from consent.services.withdraw import MailContext


@dataclass(frozen=True)
class Welcome:
    """A welcome mail that is to go out, as mail of the topic ``topic_slug``."""

    form_id: int
    contact_id: int
    brand_id: int
    email: str
    language: str
    subject: str
    paragraphs: tuple[str, ...]
    topic: str
    topic_slug: str


def welcome(session: Session, sign_up_id: int) -> Welcome | None:
    """Return the welcome mail of a confirmed sign-up; None when its form has none, or when the topic was withdrawn or
    the address suppressed meanwhile."""
    row = session.get(SignUp, sign_up_id)
    if row is None or row.contact_id is None or row.confirmed_at is None:
        return None
    form = forms.form(session, row.form_id)
    if not form.welcomes or not _mailable(session, row):
        return None
    topic = topics.topic(session, row.topic_ids[0])
    text = form.text("welcome_text", row.language)
    return Welcome(
        form_id=row.form_id,
        contact_id=row.contact_id,
        brand_id=row.brand_id,
        email=row.email,
        language=row.language,
        subject=form.text("welcome_subject", row.language),
        paragraphs=tuple(line.strip() for line in text.splitlines() if line.strip()),
        topic=topic.name(row.language),
        topic_slug=topic.slug,
    )


def _mailable(session: Session, row: SignUp) -> bool:
    """Ask the gates of every campaign, for the address that confirmed."""
    who = select(literal(row.contact_id, BigInteger()).label("contact_id"))
    found = session.execute(gates(row.topic_ids[0], row.brand_id, clock.now(), who)).one()
    return found.gate is None and found.address_key == row.address_key


def context(session: Session, number: int, contact_id: int) -> MailContext | None:
    """Return what a permission link of a welcome mail refers to (``services.withdraw.contexts``), from the ledger,
    which outlives the sign-up; None when this person never confirmed anything by that form."""
    form_id = form_of(number)
    if form_id is None:
        return None
    entry = session.scalars(
        select(PermissionEvent)
        .where(
            PermissionEvent.contact_id == contact_id,
            PermissionEvent.form_id == form_id,
            PermissionEvent.topic_id.is_not(None),
            PermissionEvent.action == Action.CONFIRM,
        )
        .order_by(PermissionEvent.seq)
        .limit(1)
    ).first()
    if entry is None or entry.topic_id is None:
        return None
    form = forms.form(session, form_id)
    return MailContext(form.brand_id, entry.topic_id, entry.language or "en", form.name, entry.address_key)
