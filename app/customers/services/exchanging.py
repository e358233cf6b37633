"""The customer base's part of a profile that one installation hands to another: who somebody is, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.errors import InvalidInput
from app.customers.models import Contact, ContactAddress, ExternalId
from app.customers.policy import normalise
from app.customers.policy.values import show
from app.customers.queries.contacts import earlier_addresses
from app.customers.queries.held import other_systems
from app.customers.services import contacts

_TEXTS = ("first_name", "last_name", "language", "time_zone", "country", "source")
PART = 500


def identities(session: Session, behind: int) -> list[tuple[int, dict[str, object]]]:
    """Return who the next contacts with an address are, by id, from behind id ``behind``; empty at the end."""
    rows = session.scalars(
        select(Contact)
        .where(Contact.id > behind, Contact.email.is_not(None), Contact.merged_into.is_(None))
        .order_by(Contact.id)
        .limit(PART)
    ).all()
    return [(row.id, _identity(session, row)) for row in rows]


def _identity(session: Session, row: Contact) -> dict[str, object]:
    return {
        "email": row.email,
        **{name: getattr(row, name) or "" for name in _TEXTS},
        "tags": list(row.tags),
        "fields": dict(row.attributes),
        "created_at": row.created_at.isoformat(),
        "earlier_addresses": [
            {"email": former.email, "until": former.until.isoformat()} for former in earlier_addresses(session, row.id)
        ],
        "other_systems": other_systems(session, row.id),
    }


def take(session: Session, profile: Mapping[str, object], source: str) -> tuple[int, bool]:
    """Add the person of a profile, or complete what is known of them; return their id, and whether they are new.

    Nothing that is there is overwritten. Raises ``InvalidInput`` naming the part that cannot be kept.
    """
    address = normalise(str(profile.get("email") or ""))
    known = session.scalar(select(Contact.id).where(Contact.email_key == address.email_key))
    texts = {name: str(profile.get(name) or "") for name in _TEXTS}
    fields = {name: show(value) for name, value in _object(profile, "fields").items()}
    given = {**fields, **texts}
    contact_id = contacts.find_or_create(
        session,
        address.email,
        language=given.pop("language"),
        source=given.pop("source") or source,
        **given,
    )
    row = session.get_one(Contact, contact_id)
    tags = contacts.clean_tags([*row.tags, *(str(tag) for tag in _list(profile, "tags"))])
    if tags != row.tags:
        contacts.set_tags(session, contact_id, tags)
    if known is None and profile.get("created_at"):
        row.created_at = moment(profile["created_at"])
    _addresses(session, contact_id, profile)
    session.flush()
    return contact_id, known is None


def _addresses(session: Session, contact_id: int, profile: Mapping[str, object]) -> None:
    held = {former.email for former in earlier_addresses(session, contact_id)}
    for former in objects(profile, "earlier_addresses"):
        found = normalise(str(former.get("email") or ""))
        if found.email not in held:
            until = moment(former.get("until"))
            row = ContactAddress(contact_id=contact_id, email=found.email, address_key=found.address_key, until=until)
            session.add(row)
    for system in objects(profile, "other_systems"):
        values = {"source": str(system.get("source")), "value": str(system.get("value")), "contact_id": contact_id}
        session.execute(insert(ExternalId).values(**values).on_conflict_do_nothing())


def moment(value: object) -> datetime:
    """Read a moment as profiles hold it. Raises ``InvalidInput``."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput(_("%(text)s is no moment with a time zone.", text=str(value)[:60]))
    return found


def objects(profile: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    """Yield the objects of a list in a profile. Raises ``InvalidInput`` for anything else."""
    for item in _list(profile, name):
        if not isinstance(item, Mapping):
            raise InvalidInput(_("%(name)s must be a list of objects.", name=name))
        yield item


def _list(profile: Mapping[str, object], name: str) -> Sequence[object]:
    value = profile.get(name, [])
    if not isinstance(value, list):
        raise InvalidInput(_("%(name)s must be a list.", name=name))
    return value


def _object(profile: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = profile.get(name, {})
    if not isinstance(value, Mapping):
        raise InvalidInput(_("%(name)s must be an object.", name=name))
    return value
