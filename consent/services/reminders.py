"""Reminding who asked and did not confirm: once, after two days, within the caps, and only where the form does so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from app.core import clock
from app.customers.queries.contacts import by_address
from consent.models import Form, SignUp
from consent.queries import unasked
from consent.queries.suppressions import active_reasons
from consent.services import sign_up
from consent.services.sign_up import Mailing

AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Chosen:
    """The sign-ups that get a reminder, and how many were looked at: those that get none are not looked at again."""

    to_mail: tuple[int, ...]
    looked_at: int


def choose(session: Session, limit: int = 500) -> Chosen:
    """Decide about up to ``limit`` sign-ups whose reminder is due. Each is decided about once, whatever the answer."""
    now = clock.now()
    query = (
        select(SignUp)
        .join(Form, Form.id == SignUp.form_id)
        .where(
            Form.reminds,
            Form.active,
            SignUp.mailed_at <= now - AFTER,
            SignUp.confirmed_at.is_(None),
            SignUp.minor_email.is_(None),
            ~SignUp.reminder_settled,
            SignUp.expires_at > now + timedelta(days=1),
        )
        .order_by(SignUp.mailed_at)
        .limit(limit)
        .with_for_update(of=SignUp, skip_locked=True)
    )
    rows = session.scalars(query).all()
    to_mail = []
    for row in rows:
        if not unasked.try_lock(session, sign_up.mailbox_key(row)):
            continue  # it is being confirmed, perhaps; the next round sees what came of it
        if _wanted(session, row) and sign_up.may_mail(session, row):
            row.reminded_at = now
            to_mail.append(row.id)
        row.reminder_settled = True
        session.flush()
    return Chosen(tuple(to_mail), len(rows))


def still_due(session: Session, sign_up_id: int) -> Mailing | None:
    """Return the reminder of a sign-up that was chosen, unless it was confirmed or suppressed since."""
    row = session.get(SignUp, sign_up_id)
    if row is None or row.confirmed_at is not None or row.expires_at <= clock.now() or not _wanted(session, row):
        return None
    return sign_up.mailing_of(row)


def _wanted(session: Session, row: SignUp) -> bool:
    """Nobody is reminded who has confirmed another request of the same brand since, who objected or complained, or
    whose address is suppressed for whatever reason."""
    other = aliased(SignUp)
    same = (other.address_key == row.address_key, other.brand_id == row.brand_id)
    if session.scalar(select(exists().where(*same, other.confirmed_at > row.created_at))):
        return False
    if active_reasons(session, row.address_key):
        return False
    person = by_address(session, sign_up.email_key(row))
    return person is None or (person.objected_at is None and person.complained_at is None)
