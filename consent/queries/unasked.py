"""How much mail a mailbox got lately that anybody who knows its address can have had sent to it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import AddressChange, SignUp

# created_at is what the indexes know; a job or a reminder may be late, but not by more than a request is valid.
_LATE = timedelta(days=7)


def confirmations(session: Session, whose: ColumnElement[bool], span: timedelta) -> int:
    """Return how many confirmation mails and reminders went out within ``span``; ``whose`` is about ``SignUp``."""
    since = clock.now() - span
    sent = (func.count().filter(at > since) for at in (SignUp.mailed_at, SignUp.reminded_at))
    return sum(session.execute(select(*sent).where(SignUp.created_at > since - _LATE, whose)).one())


def to_mailbox(session: Session, mailbox_key: bytes, span: timedelta) -> int:
    """Return how many mails of every such kind went to a mailbox, however it was spelled, or are about to go."""
    changes = select(func.count()).where(
        AddressChange.mailbox_key == mailbox_key, AddressChange.created_at > clock.now() - span
    )
    return confirmations(session, SignUp.mailbox_key == mailbox_key, span) + (session.scalar(changes) or 0)


def lock(session: Session, mailbox_key: bytes) -> None:
    """Let no other decision about mail to this mailbox be made until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_lock_of(mailbox_key))))


def try_lock(session: Session, mailbox_key: bytes) -> bool:
    """Do the same without waiting; False when another decision is being made."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_lock_of(mailbox_key)))))


def _lock_of(mailbox_key: bytes) -> ColumnElement[int]:
    return func.hashtext(f"mailbox {mailbox_key.hex()}")
