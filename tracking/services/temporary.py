"""Temporary tables of one transaction, by which a fold hands rows from one statement, and one room, to the next."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session


def prepare(session: Session) -> None:
    """Have this transaction analyse by small samples: the planner needs sizes here, not histograms."""
    session.execute(text("SET LOCAL default_statistics_target = 10"))


def make(session: Session, name: str, query: str, parameters: Mapping[str, object] | None = None) -> None:
    """Make the temporary table ``name`` from ``query``, in place of one that this transaction made before.

    It is analysed, because the planner would take it for empty, and goes with the end of the transaction.
    """
    session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
    session.execute(text(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}"), parameters or {})
    session.execute(text(f"ANALYZE {name}"))
