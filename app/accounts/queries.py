"""What is read about staff and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from app.accounts.models import AccessEntry, AuditEntry, RoleGrant, Staff
from app.accounts.policy import Look, Role, highest


@dataclass(frozen=True)
class StaffUser:
    """A member of staff as the pages know them."""

    id: int
    email: str
    name: str
    language: str
    role: Role


@dataclass(frozen=True)
class StaffInfo:
    """A line of the staff page."""

    id: int
    email: str
    name: str
    language: str
    role: Role
    active: bool
    created_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True)
class AuditLine:
    """A line of the audit trail; ``who`` is empty for a command."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    subject_id: int | None
    detail: dict[str, Any]
    ip: str


def open_session(session: Session, staff_id: int, epoch: int) -> StaffUser | None:
    """Return who a session belongs to; None once the account is closed or its sessions were ended."""
    query = _with_roles().where(Staff.id == staff_id, Staff.active, Staff.session_epoch == epoch)
    row = session.execute(query).first()
    if row is None:
        return None
    staff, roles = row
    return StaffUser(staff.id, staff.email, staff.name, staff.language, _role(roles))


def staff(session: Session) -> list[StaffInfo]:
    """Return all staff, active ones first, by name."""
    rows = session.execute(_with_roles().order_by(Staff.active.desc(), func.lower(Staff.name), Staff.id))
    return [_info(found, roles) for found, roles in rows]


def staff_member(session: Session, staff_id: int) -> StaffInfo | None:
    """Return one member of staff."""
    row = session.execute(_with_roles().where(Staff.id == staff_id)).first()
    return _info(row[0], row[1]) if row else None


def anyone(session: Session) -> bool:
    """Say whether any account exists; a new deployment has none."""
    return session.scalar(select(Staff.id).limit(1)) is not None


def audit(session: Session, *, before: int | None = None, limit: int = 50) -> list[AuditLine]:
    """Return the newest entries of the audit trail, older than entry ``before``."""
    query = (
        select(AuditEntry, Staff.name)
        .outerjoin(Staff, Staff.id == AuditEntry.staff_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return [
        AuditLine(e.id, e.at, name or "", e.action, e.subject, e.subject_id, e.detail, str(e.ip or ""))
        for e, name in session.execute(query)
    ]


def _with_roles() -> Select[Staff, Sequence[str]]:
    return (
        select(Staff, func.array_agg(RoleGrant.role))
        # A role for one brand alone must not count for all of them.
        .outerjoin(RoleGrant, and_(RoleGrant.staff_id == Staff.id, RoleGrant.brand_id.is_(None)))
        .group_by(Staff.id)
    )


def _role(roles: Sequence[str]) -> Role:
    return highest([Role(role) for role in roles if role])


def _info(found: Staff, roles: Sequence[str]) -> StaffInfo:
    return StaffInfo(
        found.id,
        found.email,
        found.name,
        found.language,
        _role(roles),
        found.active,
        found.created_at,
        found.signed_in_at,
    )


@dataclass(frozen=True)
class AccessLine:
    """A line of the access log; ``who`` is empty for a command. ``people`` None is everybody."""

    id: int
    at: datetime
    who: str
    look: Look
    page: str
    subject: str
    subject_id: int | None
    contact_ids: tuple[int, ...]
    people: int | None
    ip: str


@dataclass(frozen=True)
class AccessFilter:
    """Whose looks, and at whom; None for all."""

    staff_id: int | None = None
    contact_id: int | None = None


def access(session: Session, chosen: AccessFilter, *, before: int | None = None, limit: int = 50) -> list[AccessLine]:
    """Return the newest lines of the access log, older than line ``before``."""
    query = (
        select(AccessEntry, Staff.name)
        .outerjoin(Staff, Staff.id == AccessEntry.staff_id)
        .order_by(AccessEntry.id.desc())
        .limit(limit)
    )
    if chosen.staff_id is not None:
        query = query.where(AccessEntry.staff_id == chosen.staff_id)
    if chosen.contact_id is not None:
        query = query.where(AccessEntry.contact_ids.contains([chosen.contact_id]))
    if before is not None:
        query = query.where(AccessEntry.id < before)
    return [
        AccessLine(
            e.id,
            e.at,
            name or "",
            Look(e.look),
            e.page,
            e.subject,
            e.subject_id,
            tuple(e.contact_ids),
            e.people,
            str(e.ip or ""),
        )
        for e, name in session.execute(query)
    ]
