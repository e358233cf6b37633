"""Finding and reading contacts. Higher rooms join ``contact_table()``; nobody else sees the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.customers.models import Contact, ContactAddress, ContactProfile
from app.customers.policy import origins
from app.customers.policy.origins import Set
from app.customers.policy.values import FieldValue


@dataclass(frozen=True)
class ContactInfo:
    """A contact as other rooms see it; the columns are described at ``models.Contact``."""

    id: int
    email: str | None
    email_key: str | None
    address_key: bytes | None
    domain: str | None
    first_name: str
    last_name: str
    language: str | None
    time_zone: str | None
    country: str | None
    source: str
    tags: tuple[str, ...]
    attributes: dict[str, FieldValue]
    created_at: datetime
    updated_at: datetime
    objected_at: datetime | None
    complained_at: datetime | None
    erased_at: datetime | None
    merged_into: int | None = None
    merged_at: datetime | None = None
    origins: Mapping[str, Set] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """First and last name, blank when neither is known."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class EarlierAddress:
    """An address that a contact had ``until`` then."""

    email: str
    until: datetime


def contact_table() -> Table:
    """The table of contacts, for joins: ``contact_table().c.id`` and the columns of ``ContactInfo``."""
    return cast(Table, Contact.__table__)


def profile_table() -> Table:
    """The folded behaviour of contacts, one row for each who did something, for joins on ``contact_id``."""
    return cast(Table, ContactProfile.__table__)


def contact(session: Session, contact_id: int) -> ContactInfo:
    """Return one contact. Raises ``NotFound``."""
    row = session.get(Contact, contact_id)
    if row is None:
        raise NotFound(f"There is no contact {contact_id}.")
    return info(row)


def by_address(session: Session, email_key: str) -> ContactInfo | None:
    """Return the contact whose present address has this normalised form (``policy.normalise``), or None."""
    row = session.scalar(select(Contact).where(Contact.email_key == email_key))
    return info(row) if row else None


def by_address_key(session: Session, address_key: bytes) -> list[int]:
    """Return the ids of contacts who have or had the address with this key, present holders first."""
    now = select(Contact.id).where(Contact.address_key == address_key)
    before = select(ContactAddress.contact_id).where(ContactAddress.address_key == address_key)
    return list(dict.fromkeys([*session.scalars(now), *session.scalars(before)]))


def several(session: Session, contact_ids: list[int]) -> list[ContactInfo]:
    """Return the contacts with these ids, in the order of the ids; unknown ids are left out."""
    rows = {row.id: row for row in session.scalars(select(Contact).where(Contact.id.in_(contact_ids)))}
    return [info(rows[contact_id]) for contact_id in contact_ids if contact_id in rows]


def earlier_addresses(session: Session, contact_id: int) -> list[EarlierAddress]:
    """Return the addresses a contact had before, latest first."""
    rows = session.scalars(
        select(ContactAddress).where(ContactAddress.contact_id == contact_id).order_by(ContactAddress.id.desc())
    )
    return [EarlierAddress(row.email, row.until) for row in rows]


def any_contact(session: Session) -> bool:
    """Tell whether the base holds anybody."""
    return session.scalar(select(Contact.id).where(Contact.erased_at.is_(None)).limit(1)) is not None


def info(row: Contact) -> ContactInfo:
    """Return what other rooms may see of a row."""
    return ContactInfo(
        id=row.id,
        email=row.email,
        email_key=row.email_key,
        address_key=row.address_key,
        domain=row.domain,
        first_name=row.first_name,
        last_name=row.last_name,
        language=row.language,
        time_zone=row.time_zone,
        country=row.country,
        source=row.source,
        tags=tuple(row.tags),
        attributes=row.attributes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        objected_at=row.objected_at,
        complained_at=row.complained_at,
        erased_at=row.erased_at,
        merged_into=row.merged_into,
        merged_at=row.merged_at,
        origins=origins.read(row.origins),
    )
