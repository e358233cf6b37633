"""The folder: folds what was drained, round after round. Any number may run; a lock lets one work at a time."""

from __future__ import annotations

import threading

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from app.core import db, log
from tracking.services.fold import fold

logger = log.get("tracking")

POLL_S = 0.4
MAX_WAIT_S = 10.0


def run(stop: threading.Event) -> None:
    """Fold until ``stop`` is set. Waits for a database that is away, and repeats a round that was rolled back."""
    wait = POLL_S
    while not stop.is_set():
        try:
            folded = fold_once()
        except (SQLAlchemyError, psycopg.Error) as error:
            logger.warning("fold_failed", error=f"{type(error).__name__}: {str(error)[:300]}")
            stop.wait(wait)
            wait = min(wait * 2, MAX_WAIT_S)
            continue
        wait = POLL_S
        if not folded:
            stop.wait(POLL_S)


def fold_once() -> int:
    """Fold one round in a unit of work of its own; returns how many events."""
    with db.unit_of_work() as session:
        return fold(session)
