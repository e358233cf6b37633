"""Expiry is written down, and sign-ups that ended are forgotten."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from app.core import clock
from consent.errors import NotAllowed
from consent.models import Permission, SignUp
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor, Subject
from consent.services.ledger import Entry, append
from consent.services.sign_up import KEPT

_OPEN = (State.PENDING.value, State.GRANTED.value)


def lapsed(now: datetime, months: int = 0) -> Select[int]:
    """Return a SELECT of the contacts of whom a permission has passed its time and is not written down as expired."""
    del months
    return select(Permission.contact_id).where(Permission.expires_at <= now, Permission.state.in_(_OPEN)).distinct()


def expire(session: Session, contact_ids: list[int]) -> None:
    """Write an entry for every lapsed permission of these contacts.

    The gates shut by the time itself; the entry is for the record.
    """
    query = (
        select(Permission.contact_id, Permission.topic_id)
        .where(
            Permission.contact_id.in_(contact_ids), Permission.expires_at <= clock.now(), Permission.state.in_(_OPEN)
        )
        .order_by(Permission.contact_id, Permission.topic_id)
    )
    for row in session.execute(query).all():
        # Somebody may have renewed it since the query; then it is refused and nothing is written.
        with suppress(NotAllowed):
            append(session, row.contact_id, Entry(Subject.TOPIC, Action.EXPIRE, Actor.SYSTEM, topic_id=row.topic_id))


def ended_sign_ups(now: datetime, months: int = 0) -> Select[int]:
    """Return a SELECT of the sign-ups that ended long enough ago; what was confirmed is proven by the ledger."""
    del months
    return select(SignUp.id).where(func.coalesce(SignUp.confirmed_at, SignUp.expires_at) < now - KEPT)


def forget_sign_ups(session: Session, ids: list[int]) -> None:
    """Delete these sign-ups."""
    session.execute(delete(SignUp).where(SignUp.id.in_(ids)))
