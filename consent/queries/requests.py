"""Reading data subjects' requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.accounts import queries as accounts
from app.brands.queries import brands
from app.core import clock
from app.core.errors import NotFound
from consent.models import PrivacyRequest, PrivacyRequestStep
from consent.policy.deadlines import REMIND_BEFORE
from consent.policy.requests import OPEN_STATES, Channel, Extension, Kind, Proof, Refusal, State, Step

Json = dict[str, object]


@dataclass(frozen=True)
class RequestInfo:
    """A request; the columns are described at ``models.PrivacyRequest``. ``days_left`` is negative when it is late,
    and counts until ``due_on`` whether it is open or not."""

    id: int
    kind: Kind
    channel: Channel
    state: State
    contact_id: int | None
    address_key: bytes | None
    language: str
    name: str
    email: str
    phone: str
    postal: str
    new_email: str
    wish: str
    received_at: datetime
    due_on: date
    days_left: int
    extended_at: datetime | None
    extended_why: Extension | None
    told_on: date | None
    verified_at: datetime | None
    verified_by: int | None
    verified_how: Proof | None
    verified_note: str
    refused_why: Refusal | None
    outcome_note: str
    closed_at: datetime | None
    closed_by: int | None
    purged_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.state in OPEN_STATES

    @property
    def overdue(self) -> bool:
        """Whether the answer is late."""
        return self.is_open and self.days_left < 0


@dataclass(frozen=True)
class StepInfo:
    """A line of a request's timeline; ``who`` is empty when it was the person, or time."""

    at: datetime
    step: Step
    who: str
    note: str


@dataclass(frozen=True)
class RequestFigures:
    """How many requests wait, how many of them are late, and the next day that counts."""

    open: int
    overdue: int
    next_due: date | None


def zone(session: Session) -> ZoneInfo:
    """Return the time zone in which days count: that of the first brand."""
    known = brands.all_brands(session)
    return ZoneInfo(min(known, key=lambda brand: brand.id).time_zone if known else "UTC")


def today(session: Session) -> date:
    """Return the day it is for the controller."""
    return clock.now().astimezone(zone(session)).date()


def request(session: Session, request_id: int) -> RequestInfo:
    """Return one request. Raises ``NotFound``."""
    row = session.get(PrivacyRequest, request_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no request with the number {request_id}.")
    return _info(row, today(session))


def steps(session: Session, request_id: int) -> list[StepInfo]:
    """Return what happened to a request, in order."""
    names = {member.id: member.name for member in accounts.staff(session)}
    rows = session.scalars(
        select(PrivacyRequestStep).where(PrivacyRequestStep.request_id == request_id).order_by(PrivacyRequestStep.id)
    )
    return [StepInfo(row.at, Step(row.step), names.get(row.staff_id or 0, ""), row.note) for row in rows]


def page_of(session: Session, *, closed: bool = False, page: int = 1, size: int = 50) -> list[RequestInfo]:
    """Return a page of requests: the open ones by due date, or the closed ones, latest first; one more than ``size``
    tells that there are more."""
    order = (PrivacyRequest.closed_at.desc(),) if closed else (PrivacyRequest.due_on, PrivacyRequest.id)
    query = select(PrivacyRequest).where(~_open() if closed else _open()).order_by(*order)
    day = today(session)
    return [_info(row, day) for row in session.scalars(query.limit(size + 1).offset((page - 1) * size))]


def of_contact(session: Session, contact_id: int) -> list[RequestInfo]:
    """Return every request of a contact, oldest first."""
    query = select(PrivacyRequest).where(PrivacyRequest.contact_id == contact_id).order_by(PrivacyRequest.id)
    day = today(session)
    return [_info(row, day) for row in session.scalars(query)]


def figures(session: Session) -> RequestFigures:
    """Return what the dashboard says."""
    late = func.count().filter(PrivacyRequest.due_on < today(session))
    row = session.execute(select(func.count(), late, func.min(PrivacyRequest.due_on)).where(_open())).one()
    return RequestFigures(row[0], row[1], row[2])


def to_remind(session: Session) -> list[RequestInfo]:
    """Return the open requests that are due within five days and of which nobody was reminded."""
    reminded = select(PrivacyRequestStep.request_id).where(PrivacyRequestStep.step == Step.REMINDED)
    day = today(session)
    query = select(PrivacyRequest).where(
        _open(), PrivacyRequest.due_on <= day + REMIND_BEFORE, PrivacyRequest.id.not_in(reminded)
    )
    return [_info(row, day) for row in session.scalars(query.order_by(PrivacyRequest.id))]


def lately(session: Session, *, days: int, address_key: bytes | None = None) -> int:
    """Return how many requests the public page brought in the last ``days``, in all or about one address."""
    query = select(func.count()).where(
        PrivacyRequest.channel == Channel.PAGE, PrivacyRequest.received_at > clock.now() - timedelta(days=days)
    )
    if address_key is not None:
        query = query.where(PrivacyRequest.address_key == address_key)
    return session.scalar(query) or 0


def record(session: Session, request_id: int) -> Json:
    """Return the dated record of a request: what was asked, by when, what was done by whom, how it ended."""
    asked = request(session, request_id)
    controller = brands.controller(session)
    names = {member.id: member.name for member in accounts.staff(session)}
    return {
        "record": f"request-{asked.id}",
        "issued_at": clock.now().isoformat(),
        "controller": controller.legal_name if controller else None,
        "kind": asked.kind,
        "channel": asked.channel,
        "contact": asked.contact_id,
        "person": {"name": asked.name, "email": asked.email} if not asked.purged_at else None,
        "received_at": asked.received_at.isoformat(),
        "due_on": asked.due_on.isoformat(),
        "extension": {
            "at": asked.extended_at.isoformat(),
            "why": asked.extended_why,
            "person_told_on": asked.told_on.isoformat() if asked.told_on else None,
        }
        if asked.extended_at
        else None,
        "identity": {
            "verified_at": asked.verified_at.isoformat(),
            "by": names.get(asked.verified_by or 0),
            "how": asked.verified_how,
            "note": asked.verified_note,
        }
        if asked.verified_at
        else None,
        "state": asked.state,
        "refused_why": asked.refused_why,
        "outcome": asked.outcome_note,
        "closed_at": asked.closed_at.isoformat() if asked.closed_at else None,
        "closed_by": names.get(asked.closed_by or 0),
        "in_time": None if asked.closed_at is None else _day(session, asked.closed_at) <= asked.due_on,
        "purged_at": asked.purged_at.isoformat() if asked.purged_at else None,
        "steps": [
            {"at": line.at.isoformat(), "step": line.step, "by": line.who, "note": line.note}
            for line in steps(session, request_id)
        ],
    }


def held(session: Session, contact_id: int) -> list[Json]:
    """Return the requests of a person with all they told us, for their export (GDPR 15).

    Which colleague did what is no data of theirs (CJEU C-579/21, 22 June 2023).
    """
    told = ("language", "phone", "postal", "new_email", "wish")
    found = []
    for asked in of_contact(session, contact_id):
        made = record(session, asked.id) | {name: getattr(asked, name) for name in told}
        made |= {"identity": asked.verified_how, "closed_by": None}
        made["steps"] = [{"at": line.at.isoformat(), "step": line.step} for line in steps(session, asked.id)]
        found.append(made)
    return found


def _day(session: Session, moment: datetime) -> date:
    return moment.astimezone(zone(session)).date()


def _open() -> ColumnElement[bool]:
    return PrivacyRequest.state.in_(OPEN_STATES)


def _info(row: PrivacyRequest, day: date) -> RequestInfo:
    return RequestInfo(
        id=row.id,
        kind=Kind(row.kind),
        channel=Channel(row.channel),
        state=State(row.state),
        contact_id=row.contact_id,
        address_key=row.address_key,
        language=row.language,
        name=row.name,
        email=row.email,
        phone=row.phone,
        postal=row.postal,
        new_email=row.new_email,
        wish=row.wish,
        received_at=row.received_at,
        due_on=row.due_on,
        days_left=(row.due_on - day).days,
        extended_at=row.extended_at,
        extended_why=Extension(row.extended_why) if row.extended_why else None,
        told_on=row.told_on,
        verified_at=row.verified_at,
        verified_by=row.verified_by,
        verified_how=Proof(row.verified_how) if row.verified_how else None,
        verified_note=row.verified_note,
        refused_why=Refusal(row.refused_why) if row.refused_why else None,
        outcome_note=row.outcome_note,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        purged_at=row.purged_at,
    )
