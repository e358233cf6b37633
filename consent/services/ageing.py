"""What time does to permission: expiry is written down, sign-ups that nobody confirmed are forgotten."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.core import clock
from consent.errors import NotAllowed
from consent.models import Permission, SignUp
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor, Subject
from consent.services.ledger import Entry, append
from consent.services.sign_up import KEPT


def expire(session: Session, limit: int = 500) -> int:
    """Write an entry for up to ``limit`` permissions whose time has passed; return how many.

    The gates shut by the time itself; the entry is for the record.
    """
    query = (
        select(Permission.contact_id, Permission.topic_id)
        .where(Permission.expires_at <= clock.now(), Permission.state.in_((State.PENDING, State.GRANTED)))
        .order_by(Permission.contact_id, Permission.topic_id)
        .limit(limit)
    )
    rows = session.execute(query).all()
    for row in rows:
        # Somebody may have renewed it since the query; then it is refused and nothing is written.
        with suppress(NotAllowed):
            append(session, row.contact_id, Entry(Subject.TOPIC, Action.EXPIRE, Actor.SYSTEM, topic_id=row.topic_id))
    return len(rows)


def purge_sign_ups(session: Session) -> int:
    """Delete sign-ups that ended long enough ago; what was confirmed is proven by the ledger. Returns how many."""
    ended = func.coalesce(SignUp.confirmed_at, SignUp.expires_at)
    done = session.execute(delete(SignUp).where(ended < clock.now() - KEPT).returning(SignUp.id))
    return len(done.all())
