"""The audit trail: what staff and commands did, append-only."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.models import AuditEntry


@dataclass(frozen=True)
class Actor:
    """Who acts in this request; nobody in a command or a job."""

    staff_id: int | None = None
    ip: str | None = None


_actor: ContextVar[Actor] = ContextVar("actor", default=Actor())  # noqa: B039 - Actor is frozen


def acting(actor: Actor) -> None:
    """Set who acts from here on in this context. Every request sets it anew, because threads are reused."""
    _actor.set(actor)


def actor() -> Actor:
    """Return who acts."""
    return _actor.get()


def record(
    session: Session,
    action: str,
    subject: str,
    subject_id: int | None = None,
    *,
    brand_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write down that ``action`` ("changed", "launched", ...) was done to ``subject`` ("campaign", "topic", ...).

    ``detail`` is JSON about it, without secrets and without contacts' personal data: the trail cannot be erased.
    """
    who = _actor.get()
    session.add(
        AuditEntry(
            staff_id=who.staff_id,
            ip=who.ip,
            action=action,
            subject=subject,
            subject_id=subject_id,
            brand_id=brand_id,
            detail=detail or {},
        )
    )
