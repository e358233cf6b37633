"""Doing what a request asks for: the real thing, and its line in the timeline."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import InvalidInput
from app.customers.queries.contacts import contact
from consent.errors import NotAllowed
from consent.models import PrivacyRequest
from consent.policy.requests import Kind, State, Step
from consent.policy.standing import Actor
from consent.queries import proof
from consent.queries.proof import Json
from consent.services.erase import erase
from consent.services.objections import object_to_marketing
from consent.services.requests.steps import locked, take
from consent.services.suppress import suppress_address


def export(session: Session, request_id: int, *, staff_id: int) -> tuple[int, Json]:
    """Return the contact and all that is held of them, and note that it was handed out (GDPR 15, 20)."""
    row, contact_id = _about(session, request_id)
    take(session, row, Step.EXPORTED, staff_id=staff_id)
    return contact_id, proof.export(session, contact_id)


def record_objection(session: Session, request_id: int, *, staff_id: int) -> int:
    """Record the person's objection to all marketing (GDPR 21(2)); return the contact's id."""
    row, contact_id = _about(session, request_id)
    take(session, row, Step.OBJECTED, staff_id=staff_id)
    object_to_marketing(
        session, contact_id, actor=Actor.STAFF, actor_id=staff_id, evidence={"request": str(request_id)}
    )
    return contact_id


def restrict(session: Session, request_id: int, *, staff_id: int) -> int:
    """Keep the person's data and write to them no more (GDPR 18(1)); return the contact's id. Staff can lift it."""
    row, contact_id = _about(session, request_id)
    take(session, row, Step.RESTRICTED, staff_id=staff_id)
    key = contact(session, contact_id).address_key
    if key is not None:
        suppress_address(session, address_key=key, reason="manual", source=f"request {request_id}: restriction")
    return contact_id


def carry_out_erasure(session: Session, request_id: int, outcome: str, *, staff_id: int) -> int:
    """Erase the person (GDPR 17) and close the request; return the contact's id.

    What the request says of the person goes, too, so they must have been answered before: ``outcome`` says how.
    """
    row, contact_id = _about(session, request_id)
    if not outcome.strip():
        raise InvalidInput(_("Say what the person was told, and how."), field="outcome")
    take(session, row, Step.ERASED, staff_id=staff_id)
    erase(session, contact_id, actor=Actor.STAFF, actor_id=staff_id)
    return contact_id


def note_correction(session: Session, contact_id: int, staff_id: int | None) -> None:
    """Note in the person's open requests for correction that their address was changed."""
    rows = session.scalars(
        select(PrivacyRequest)
        .where(
            PrivacyRequest.contact_id == contact_id,
            PrivacyRequest.kind == Kind.CORRECTION,
            PrivacyRequest.state == State.VERIFIED,
        )
        .with_for_update()
    ).all()
    for row in rows:
        take(session, row, Step.CORRECTED, staff_id=staff_id)


def _about(session: Session, request_id: int) -> tuple[PrivacyRequest, int]:
    row = locked(session, request_id)
    if row.contact_id is None:
        raise NotAllowed(_("First say whose data this request is about."))
    return row, row.contact_id
