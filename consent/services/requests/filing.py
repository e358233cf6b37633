"""Writing a request down, whatever way it came."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Conflict, InvalidInput
from app.customers.policy import normalise
from consent.models import PrivacyRequest, PrivacyRequestStep
from consent.policy.deadlines import due
from consent.policy.requests import Channel, Kind, Proof, State, Step
from consent.queries import requests as queries

# The public page can be used by anybody: what it may fill the queue with in a month about one address, and in a day.
ADDRESS_DAYS, ADDRESS_REQUESTS = 30, 10
DAY_REQUESTS = 300


@dataclass(frozen=True)
class Details:
    """Who asks, how they are reached, and in which words. ``email`` is the address that the request is about."""

    name: str = ""
    email: str = ""
    phone: str = ""
    postal: str = ""
    new_email: str = ""
    wish: str = ""


@dataclass(frozen=True)
class Asked:
    """What somebody asks for; ``received_at`` None means now."""

    kind: Kind
    channel: Channel
    details: Details = Details()
    language: str = "en"
    received_at: datetime | None = None
    contact_id: int | None = None


def file(session: Session, asked: Asked, *, staff_id: int | None = None) -> int:
    """Write a request down and return its id. Raises ``InvalidInput`` naming the field."""
    now, said = clock.now(), asked.details
    received = asked.received_at or now
    if received > now:
        raise InvalidInput(_("A request cannot come in the future."), field="received_on")
    if not (said.name or said.email or asked.contact_id):
        raise InvalidInput(_("Say who asks: a name or an address."), field="name")
    row = PrivacyRequest(
        kind=asked.kind,
        channel=asked.channel,
        state=State.RECEIVED,
        contact_id=asked.contact_id,
        address_key=normalise(said.email).address_key if said.email else None,
        language=asked.language,
        **asdict(said),
        received_at=received,
        due_on=due(received.astimezone(queries.zone(session)).date()),
    )
    session.add(row)
    session.flush()
    session.add(PrivacyRequestStep(request_id=row.id, at=now, step=Step.RECEIVED, staff_id=staff_id))
    session.flush()
    return row.id


def file_from_page(session: Session, asked: Asked) -> int | None:
    """Write down what the public page took; None when much was asked about this address, which nobody is told.

    Raises ``Conflict`` when the page has taken as many as one day may bring: then people must write instead.
    """
    if queries.lately(session, days=1) >= DAY_REQUESTS:
        raise Conflict(_("More requests came today than we can take here. Please write to us, or come back tomorrow."))
    if asked.details.email:
        key = normalise(asked.details.email).address_key
        if queries.lately(session, days=ADDRESS_DAYS, address_key=key) >= ADDRESS_REQUESTS:
            return None
    return file(session, asked)


def file_done(session: Session, contact_id: int, kind: Kind, *, language: str) -> int:
    """Write down a right that a person has just exercised alone, from their mailbox, and return the request's id."""
    now = clock.now()
    row = PrivacyRequest(
        kind=kind,
        channel=Channel.PAGE,
        state=State.DONE,
        contact_id=contact_id,
        language=language,
        received_at=now,
        due_on=due(now.astimezone(queries.zone(session)).date()),
        verified_at=now,
        verified_how=Proof.MAILBOX,
        closed_at=now,
    )
    session.add(row)
    session.flush()
    for step in (Step.RECEIVED, Step.COMPLETED):
        session.add(PrivacyRequestStep(request_id=row.id, at=now, step=step))
    session.flush()
    return row.id
