"""What the subscriber's pages hold of a person beside the ledger, for their export (GDPR 15, 20)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.customers.queries.contacts import contact
from consent.models import AccessRequest, AddressChange, LeavingReason, Pause, SignUp, SourceNotice
from consent.queries import topics
from consent.queries.suppressions import of_address


def sign_ups(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return a person's requests by forms, those for their address that nobody confirmed too, as JSON, oldest first."""
    key = contact(session, contact_id).address_key
    rows = session.scalars(
        select(SignUp).where(or_(SignUp.contact_id == contact_id, SignUp.address_key == key)).order_by(SignUp.id)
    )
    return [
        {
            "at": _time(row.created_at),
            "email": row.email,
            "confirmed_at": _time(row.confirmed_at),
            "mailed_at": _time(row.mailed_at),
            "reminded_at": _time(row.reminded_at),
            "minor_email": row.minor_email,
            "expires_at": _time(row.expires_at),
            "tracking": row.tracking,
            "language": row.language,
            "ip": str(row.ip or ""),
            "user_agent": row.user_agent,
            "page": row.page,
            "source": row.source,
            "referrer": row.referrer,
            "fields": dict(row.fields),
            "statements": dict(row.statements),
        }
        for row in rows
    ]


def suppressions(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return why a person's address is or was not written to, with what staff wrote about it, as JSON."""
    key = contact(session, contact_id).address_key
    slugs = {topic.id: topic.slug for topic in topics.topics(session, archived=True)}
    return [
        {
            "reason": found.reason,
            "since": _time(found.created_at),
            "until": _time(found.until),
            "scope": found.scope,
            "brand": found.brand_id,
            "topic": slugs.get(found.topic_id or 0),
            "source": found.source,
            "evidence": found.evidence,
            "lifted_at": _time(found.lifted_at),
            "lifted_why": found.lifted_why,
        }
        for found in (of_address(session, key) if key else [])
    ]


def pauses(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return the pauses a person asked for, as JSON."""
    rows = session.scalars(select(Pause).where(Pause.contact_id == contact_id).order_by(Pause.brand_id))
    return [{"brand": row.brand_id, "since": _time(row.since), "until": _time(row.until)} for row in rows]


def leaving_reasons(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return why a person said they left, as JSON, oldest first."""
    rows = session.scalars(
        select(LeavingReason).where(LeavingReason.contact_id == contact_id).order_by(LeavingReason.id)
    )
    return [
        {
            "at": _time(row.created_at),
            "reason": row.reason,
            "comment": row.comment,
            "brand": row.brand_id,
            "campaign": row.campaign_id or None,
        }
        for row in rows
    ]


def source_notices(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return by which mail a person was told where their address came from, as JSON."""
    row = session.get(SourceNotice, contact_id)
    return [{"at": _time(row.at), "campaign": row.campaign_id}] if row else []


def access_requests(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return when links to a person's data were asked for, and from where, as JSON, oldest first."""
    key = contact(session, contact_id).address_key
    if key is None:
        return []
    rows = session.scalars(select(AccessRequest).where(AccessRequest.address_key == key).order_by(AccessRequest.id))
    return [
        {
            "at": _time(row.created_at),
            "mailed_at": _time(row.mailed_at),
            "ip": str(row.ip or ""),
            "language": row.language,
        }
        for row in rows
    ]


def address_changes(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return the changes of address a person asked for lately, as JSON, oldest first."""
    rows = session.scalars(
        select(AddressChange).where(AddressChange.contact_id == contact_id).order_by(AddressChange.id)
    )
    return [
        {
            "at": _time(row.created_at),
            "email": row.email,
            "language": row.language,
            "mailed_at": _time(row.mailed_at),
            "confirmed_at": _time(row.confirmed_at),
        }
        for row in rows
    ]


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
