"""Reading suppressions. An address is found by its exact form only: it is not kept in clear."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, column, func, literal, or_, select, table
from sqlalchemy.orm import Session

from app.core import clock
from app.core.secrets import address_sha256
from app.customers.policy.address import Address
from consent.models import Suppression
from consent.policy.suppression import WANTED_BY_PERSON, shown_pattern


@dataclass(frozen=True)
class SuppressionInfo:
    """A suppression. ``value`` is a domain or pattern; None for an address or a hash; ``digest`` is how that begins."""

    id: int
    kind: str
    value: str | None
    digest: str
    reason: str
    scope: str
    brand_id: int | None
    topic_id: int | None
    source: str
    evidence: str
    until: datetime | None
    created_at: datetime
    created_by: int | None
    lifted_at: datetime | None
    lifted_by: int | None
    lifted_why: str

    @property
    def liftable(self) -> bool:
        """Tell whether staff may lift it."""
        return self.lifted_at is None and self.reason not in WANTED_BY_PERSON

    @property
    def ended(self) -> bool:
        """Tell whether its time is over."""
        return self.until is not None and self.until <= clock.now()


@dataclass(frozen=True)
class Wanted:
    """Which suppressions a list shows; blank for any."""

    reason: str = ""
    scope: str = ""
    kind: str = ""

    @property
    def chosen(self) -> dict[str, str]:
        """What is not blank, by name."""
        return {name: value for name, value in vars(self).items() if value}


def active() -> ColumnElement[bool]:
    """Return the condition that a suppression holds now."""
    return and_(Suppression.lifted_at.is_(None), or_(Suppression.until.is_(None), Suppression.until > clock.now()))


def _info(row: Suppression) -> SuppressionInfo:
    return SuppressionInfo(
        id=row.id,
        kind=row.kind,
        value=shown_pattern(row.value) if row.kind == "pattern" and row.value else row.value,
        digest=(row.address_key or row.sha256 or row.md5 or b"").hex()[:12],
        reason=row.reason,
        scope=row.scope,
        brand_id=row.brand_id,
        topic_id=row.topic_id,
        source=row.source,
        evidence=row.evidence,
        until=row.until,
        created_at=row.created_at,
        created_by=row.created_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        lifted_why=row.lifted_why,
    )


def page_of(session: Session, wanted: Wanted, *, page: int = 1, size: int = 50) -> list[SuppressionInfo]:
    """Return a page of the active suppressions, latest first; one more than ``size`` tells that there are more."""
    query = select(Suppression).where(active()).order_by(Suppression.id.desc())
    for name, value in wanted.chosen.items():
        query = query.where(getattr(Suppression, name) == value)
    return [_info(row) for row in session.scalars(query.limit(size + 1).offset((page - 1) * size))]


def against(session: Session, address: Address) -> list[SuppressionInfo]:
    """Return whatever stands or stood against one address, latest first: itself, its digests, its domain, patterns."""
    rows = session.scalars(select(Suppression).where(_about(address)).order_by(Suppression.id.desc()))
    return [_info(row) for row in rows]


def _about(address: Address) -> ColumnElement[bool]:
    digest = hashlib.md5(address.email_key.encode(), usedforsecurity=False).digest()
    return or_(
        Suppression.address_key == address.address_key,
        and_(Suppression.kind == "hash", Suppression.sha256 == address_sha256(address.email_key)),
        and_(Suppression.kind == "hash", Suppression.md5 == digest),
        and_(Suppression.kind == "domain", Suppression.value == address.domain),
        and_(Suppression.kind == "pattern", literal(address.email_key).like(Suppression.value)),
    )


def of_address(session: Session, address_key: bytes) -> list[SuppressionInfo]:
    """Return every suppression of exactly this address, lifted ones too, latest first."""
    rows = session.scalars(
        select(Suppression).where(Suppression.address_key == address_key).order_by(Suppression.id.desc())
    )
    return [_info(row) for row in rows]


def active_reasons(session: Session, address_key: bytes) -> set[str]:
    """Return why an address is suppressed at present by its key, as those of people in the base are."""
    return set(session.scalars(select(Suppression.reason).where(Suppression.address_key == address_key, active())))


def reasons_against(session: Session, address: Address) -> set[str]:
    """Return why an address, of whoever it may be, is suppressed at present: by key, by digest or by a rule."""
    return set(session.scalars(select(Suppression.reason).where(_about(address), active())))


def count_by_reason(session: Session) -> dict[str, int]:
    """Return how many active suppressions there are for each reason."""
    rows = session.execute(
        select(Suppression.reason, func.count())
        .where(active())
        .group_by(Suppression.reason)
        .order_by(Suppression.reason)
    )
    return {row[0]: row[1] for row in rows}


def erased_addresses(session: Session, people: str) -> set[bytes]:
    """Return the address keys of the temporary table ``people`` that were erased and must not come back by import."""
    source = table(people, column("address_key"))
    query = (
        select(Suppression.address_key)
        .join(source, source.c.address_key == Suppression.address_key)
        .where(Suppression.reason == "erasure", active())
    )
    return {key for key in session.scalars(query) if key is not None}
