"""What staff do about a request: each act is checked by ``policy.requests`` and written into its timeline."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.customers.queries.contacts import contact
from consent.errors import NotAllowed
from consent.models import PrivacyRequest, PrivacyRequestStep
from consent.policy.deadlines import due, extended_due
from consent.policy.requests import OPEN_STATES, Extension, Kind, Proof, Refusal, State, Step, follow
from consent.queries import requests as queries


def locked(session: Session, request_id: int) -> PrivacyRequest:
    """Return a request's row, locked until the transaction ends. Raises ``NotFound``."""
    row = session.get(PrivacyRequest, request_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(_("There is no request with the number %(id)s.", id=request_id))
    return row


def take(session: Session, row: PrivacyRequest, step: Step, *, staff_id: int | None = None, note: str = "") -> None:
    """Let ``step`` happen to a request: its state follows, the timeline gets its line. Raises ``NotAllowed``."""
    row.state = follow(State(row.state), step)
    if row.state not in OPEN_STATES and row.closed_at is None:
        row.closed_at, row.closed_by = clock.now(), staff_id
    session.add(PrivacyRequestStep(request_id=row.id, at=clock.now(), step=step, staff_id=staff_id, note=note.strip()))
    session.flush()


def identify(session: Session, request_id: int, contact_id: int, *, staff_id: int) -> None:
    """Say whose data a request is about."""
    row = locked(session, request_id)
    if contact(session, contact_id).erased_at is not None:
        raise NotAllowed(_("This person's data was erased before."))
    if row.state == State.VERIFIED and row.contact_id not in (None, contact_id):
        raise NotAllowed(_("The identity is verified already. Is it another person? File a new request."))
    take(session, row, Step.IDENTIFIED, staff_id=staff_id)
    row.contact_id = contact_id
    session.flush()


def verify(session: Session, request_id: int, how: Proof, note: str, *, staff_id: int) -> None:
    """Record that the person is who they say, who saw that, and how."""
    row = locked(session, request_id)
    if how is Proof.HARMLESS and row.kind != Kind.OBJECTION:
        raise InvalidInput(_("Only an objection may be followed without knowing who asks."), field="how")
    take(session, row, Step.VERIFIED, staff_id=staff_id, note=note)
    row.verified_at, row.verified_by, row.verified_how = clock.now(), staff_id, how
    row.verified_note = note.strip()
    session.flush()


def note(session: Session, request_id: int, text: str, *, staff_id: int) -> None:
    """Keep what was done or learnt: called back, asked for more."""
    if not text.strip():
        raise InvalidInput(_("Write down what was done."), field="note")
    take(session, locked(session, request_id), Step.NOTED, staff_id=staff_id, note=text)


def extend(session: Session, request_id: int, why: Extension, told_on: date, note: str, *, staff_id: int) -> None:
    """Give the answer two further months. The person must have been told why within the first (GDPR 12(3))."""
    row, day = locked(session, request_id), queries.today(session)
    received = row.received_at.astimezone(queries.zone(session)).date()
    if row.extended_at is not None:
        raise NotAllowed(_("The period was extended before; it can be extended once."))
    if day > due(received) or told_on > due(received):
        raise NotAllowed(_("The first month is over: the period can only be extended within it."))
    if not received <= told_on <= day:
        raise InvalidInput(_("The person is told between the day of the request and today."), field="told_on")
    take(session, row, Step.EXTENDED, staff_id=staff_id, note=note)
    row.extended_at, row.extended_why, row.told_on = clock.now(), why, told_on
    row.due_on = extended_due(received)
    session.flush()


def complete(session: Session, request_id: int, outcome: str, *, staff_id: int) -> None:
    """Close a request that was fulfilled; ``outcome`` says what the person was told, and how."""
    row = locked(session, request_id)
    if not outcome.strip():
        raise InvalidInput(_("Say what the person was told, and how."), field="outcome")
    take(session, row, Step.COMPLETED, staff_id=staff_id, note=outcome)
    row.outcome_note = outcome.strip()
    session.flush()


def refuse(session: Session, request_id: int, why: Refusal, note: str, *, told: bool, staff_id: int) -> None:
    """Close a request that is not fulfilled. The person must be told why, and of their right to complain (12(4))."""
    row = locked(session, request_id)
    if not told:
        raise InvalidInput(
            _("Tell the person first why, and that they may complain to the authority or go to court."), field="told"
        )
    take(session, row, Step.REFUSED, staff_id=staff_id, note=note)
    row.refused_why, row.outcome_note = why, note.strip()
    session.flush()


def withdraw_request(session: Session, request_id: int, note: str, *, staff_id: int) -> None:
    """Close a request that the person took back."""
    take(session, locked(session, request_id), Step.WITHDRAWN, staff_id=staff_id, note=note)


def mark_reminded(session: Session, request_id: int) -> None:
    """Note that staff are being reminded of a request."""
    take(session, locked(session, request_id), Step.REMINDED)
