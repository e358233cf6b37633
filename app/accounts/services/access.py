"""The access log: which personal data staff and commands looked at (GDPR 5(2), 32(1)(b)).

It stands apart from the audit trail, which tells what was changed, is small and is kept for good. This one grows with
every page that is opened, and is forgotten after ACCESS_LOG_DAYS.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, insert, literal, select
from sqlalchemy.orm import Session

from app.accounts.models import AccessEntry
from app.accounts.policy import Look
from app.accounts.services import audit
from app.core import clock, config

# A page that asks again by itself, and one that is loaded again, is the same look.
SAME_LOOK = timedelta(minutes=1)
ALWAYS = (Look.EXPORTED, Look.PROVED)


def record(
    session: Session,
    look: Look,
    page: str,
    *,
    contact_ids: Iterable[int] = (),
    people: int | None = None,
    subject: str = "",
    subject_id: int | None = None,
) -> None:
    """Write down that whoever acts (``audit.actor``) saw these people on ``page``, a view's endpoint or a command.

    ``people`` says how many when they are no contacts, or more than those named; ``subject`` "base" is everybody.
    One statement; what the same person saw on the same page within a minute is not written twice, but for files.
    """
    who, seen = audit.actor(), list(dict.fromkeys(contact_ids))
    given = {
        "staff_id": who.staff_id,
        "look": look.value,
        "page": page,
        "subject": subject,
        "subject_id": subject_id,
        "contact_ids": seen,
        "people": people if people is not None or not seen else len(seen),
        "ip": who.ip,
        "at": clock.now(),
    }
    columns = AccessEntry.__table__.c
    values: list[ColumnElement[object]] = [literal(value, columns[name].type) for name, value in given.items()]
    line = select(*values)
    if look not in ALWAYS:
        same = [columns[name].is_not_distinct_from(value) for name, value in given.items() if name != "at"]
        line = line.where(~exists().where(columns.at > clock.now() - SAME_LOOK, *same))
    session.execute(insert(AccessEntry).from_select(list(given), line))


def forget_old(session: Session, most: int) -> int:
    """Delete up to ``most`` lines that are older than ACCESS_LOG_DAYS; return how many."""
    before = clock.now() - timedelta(days=config.current().access_log_days)
    old = select(AccessEntry.id).where(AccessEntry.at < before).order_by(AccessEntry.at).limit(most)
    return len(session.execute(delete(AccessEntry).where(AccessEntry.id.in_(old)).returning(AccessEntry.id)).all())
