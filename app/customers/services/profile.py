"""How behaviour reaches ``contact_profile``: bulk functions for the folder of tracking, which owns events and orders.

Sources are temporary tables of the caller's transaction. Of people who objected to marketing, under whatever number,
there is no profile: an objection ends profiling for it, too (GDPR 21(2)–(3)).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.registries import Registry

# (session, contact_ids): makes profiles anew of people who took an objection back; tracking knows what they did
refolds: Registry[Callable[[Session, list[int]], None]] = Registry("makers of profiles")

# Those of merged contacts are few: they are hashed once a statement.
_NO_OBJECTION = (
    "NOT EXISTS (SELECT FROM contact c WHERE c.id = s.contact_id AND c.objected_at IS NOT NULL)"
    " AND s.contact_id NOT IN (SELECT merged_into FROM contact"
    " WHERE merged_into IS NOT NULL AND objected_at IS NOT NULL)"
    " AND s.contact_id NOT IN (SELECT f.id FROM contact f JOIN contact h ON h.id = f.merged_into"
    " WHERE h.objected_at IS NOT NULL)"
)
_RESPONSES = ("opened_at", "clicked_at", "opens", "clicks")
_ORDERS = ("ordered_at", "orders", "order_value")


def forget(session: Session, contact_ids: list[int]) -> None:
    """Delete the profiles of people."""
    session.execute(text("DELETE FROM contact_profile WHERE contact_id = ANY(:ids)"), {"ids": contact_ids})


def add_responses(session: Session, source: str) -> None:
    """Add to profiles: columns contact_id, opened_at, clicked_at (latest, may be null), opens, clicks (added)."""
    session.execute(
        text(
            "INSERT INTO contact_profile AS p (contact_id, opened_at, clicked_at, opens, clicks)"  # noqa: S608 - our own name
            f" SELECT contact_id, opened_at, clicked_at, opens, clicks FROM {source} s WHERE {_NO_OBJECTION}"
            " ORDER BY contact_id"
            " ON CONFLICT (contact_id) DO UPDATE SET"
            " opened_at = greatest(p.opened_at, excluded.opened_at),"
            " clicked_at = greatest(p.clicked_at, excluded.clicked_at),"
            " opens = p.opens + excluded.opens, clicks = p.clicks + excluded.clicks"
        )
    )


def set_responses(session: Session, source: str) -> int:
    """Set opened_at, clicked_at, opens, clicks of the contacts in ``source``; returns how many profiles differed."""
    return _set(session, source, _RESPONSES)


def set_orders(session: Session, source: str) -> int:
    """Set ordered_at, orders, order_value of the contacts in ``source``; returns how many profiles differed."""
    return _set(session, source, _ORDERS)


def reset_others(session: Session, responses: str, orders: str) -> int:
    """Clear what no source of a whole rebuild names; returns how many profiles differed."""
    cleared = 0
    for source, assignment, filled in (
        (
            responses,
            "opened_at = NULL, clicked_at = NULL, opens = 0, clicks = 0",
            "opens <> 0 OR clicks <> 0 OR opened_at IS NOT NULL OR clicked_at IS NOT NULL",
        ),
        (
            orders,
            "ordered_at = NULL, orders = 0, order_value = 0",
            "orders <> 0 OR order_value <> 0 OR ordered_at IS NOT NULL",
        ),
    ):
        done = session.execute(
            text(
                f"UPDATE contact_profile p SET {assignment} WHERE ({filled})"  # noqa: S608
                f" AND NOT EXISTS (SELECT FROM {source} s WHERE s.contact_id = p.contact_id)"
            )
        )
        cleared += int(done.rowcount)  # type: ignore[attr-defined]
    return cleared


def _set(session: Session, source: str, columns: tuple[str, ...]) -> int:
    names = ", ".join(columns)
    assigned = ", ".join(f"{name} = excluded.{name}" for name in columns)
    old = ", ".join(f"p.{name}" for name in columns)
    new = ", ".join(f"excluded.{name}" for name in columns)
    done = session.execute(
        text(
            f"INSERT INTO contact_profile AS p (contact_id, {names})"  # noqa: S608
            f" SELECT contact_id, {names} FROM {source} s WHERE {_NO_OBJECTION} ORDER BY contact_id"
            f" ON CONFLICT (contact_id) DO UPDATE SET {assigned} WHERE ({old}) IS DISTINCT FROM ({new})"
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
