"""Emptying what is personal in requests: when the person is erased, and when the record has been kept long enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.core import clock, config
from consent.models import PrivacyRequest, PrivacyRequestStep
from consent.policy.deadlines import add_months
from consent.policy.requests import OPEN_STATES, Step
from consent.services.requests.steps import take


def forget_person(session: Session, contact_id: int, address_keys: Sequence[bytes]) -> None:
    """Empty every request of an erased person, or about one of their addresses; open ones are closed by it."""
    rows = session.scalars(
        select(PrivacyRequest)
        .where(or_(PrivacyRequest.contact_id == contact_id, PrivacyRequest.address_key.in_(address_keys)))
        .where(PrivacyRequest.purged_at.is_(None))
        .with_for_update()
    ).all()
    for row in rows:
        if row.state in OPEN_STATES:
            take(session, row, Step.OVERTAKEN)
        _empty(session, row)


def purge(session: Session, most: int) -> int:
    """Empty up to ``most`` requests that were closed REQUESTS_KEPT_YEARS ago; return how many."""
    old = (
        select(PrivacyRequest)
        .where(PrivacyRequest.closed_at < _kept_since(clock.now()), PrivacyRequest.purged_at.is_(None))
        .order_by(PrivacyRequest.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(old).all()
    for row in rows:
        _empty(session, row)
    return len(rows)


def _kept_since(now: datetime) -> datetime:
    day = add_months(now.date(), -12 * config.current().requests_kept_years)
    return datetime.combine(day, now.timetz())


def _empty(session: Session, row: PrivacyRequest) -> None:
    take(session, row, Step.PURGED)
    row.name = row.email = row.phone = row.postal = row.new_email = row.wish = ""
    row.verified_note = row.outcome_note = ""
    row.address_key, row.purged_at = None, clock.now()
    session.execute(update(PrivacyRequestStep).where(PrivacyRequestStep.request_id == row.id).values(note=""))
    session.flush()
