"""Reading suppressions. An address is found by its exact form only: it is not kept in clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, column, func, or_, select, table
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import Suppression
from consent.policy.suppression import shown_pattern


@dataclass(frozen=True)
class SuppressionInfo:
    """A suppression. ``value`` is a domain or pattern; None for an address."""

    id: int
    kind: str
    value: str | None
    digest: str
    reason: str
    scope: str
    brand_id: int | None
    topic_id: int | None
    source: str
    until: datetime | None
    created_at: datetime
    lifted_at: datetime | None

    @property
    def liftable(self) -> bool:
        """Tell whether staff may lift it."""
        return self.lifted_at is None and self.reason not in ("objection", "complaint", "erasure")


def _active() -> ColumnElement[bool]:
    return and_(Suppression.lifted_at.is_(None), or_(Suppression.until.is_(None), Suppression.until > clock.now()))


def _info(row: Suppression) -> SuppressionInfo:
    return SuppressionInfo(
        id=row.id,
        kind=row.kind,
        value=shown_pattern(row.value) if row.kind == "pattern" and row.value else row.value,
        digest=row.address_key.hex()[:12] if row.address_key else "",
        reason=row.reason,
        scope=row.scope,
        brand_id=row.brand_id,
        topic_id=row.topic_id,
        source=row.source,
        until=row.until,
        created_at=row.created_at,
        lifted_at=row.lifted_at,
    )


def page_of(
    session: Session, *, kind: str = "", reason: str = "", page: int = 1, size: int = 50
) -> list[SuppressionInfo]:
    """Return a page of the active suppressions, latest first; one more than ``size`` tells that there are more."""
    query = select(Suppression).where(_active()).order_by(Suppression.id.desc())
    if kind:
        query = query.where(Suppression.kind == kind)
    if reason:
        query = query.where(Suppression.reason == reason)
    return [_info(row) for row in session.scalars(query.limit(size + 1).offset((page - 1) * size))]


def of_address(session: Session, address_key: bytes) -> list[SuppressionInfo]:
    """Return every suppression of exactly this address, lifted ones too, latest first."""
    rows = session.scalars(
        select(Suppression).where(Suppression.address_key == address_key).order_by(Suppression.id.desc())
    )
    return [_info(row) for row in rows]


def active_reasons(session: Session, address_key: bytes) -> set[str]:
    """Return why an address is suppressed at present, whatever the scope."""
    return set(session.scalars(select(Suppression.reason).where(Suppression.address_key == address_key, _active())))


def count_by_reason(session: Session) -> dict[str, int]:
    """Return how many active suppressions there are for each reason."""
    rows = session.execute(
        select(Suppression.reason, func.count())
        .where(_active())
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
        .where(Suppression.reason == "erasure", _active())
    )
    return {key for key in session.scalars(query) if key is not None}


def exchange_list(session: Session, reasons: Iterable[str]) -> list[str]:
    """Return the SHA-256 digests (hex) of suppressed addresses, for other systems that must honour them."""
    rows = session.scalars(
        select(Suppression.sha256).where(
            _active(), Suppression.reason.in_(list(reasons)), Suppression.sha256.is_not(None)
        )
    )
    return sorted({digest.hex() for digest in rows if digest is not None})
