"""The keeper: a thread of every worker process that shows its host alive and brings home what its dead left behind."""

from __future__ import annotations

import threading

from app.core import log
from app.core.db import unit_of_work
from campaigns.engine import hosts
from campaigns.engine.reconcile import reconcile

logger = log.get("keeper")

EVERY = 10.0  # seconds; the first round is at once


def start() -> threading.Event:
    """Start the keeper; set the event it returns to end it."""
    over = threading.Event()

    def rounds() -> None:
        while True:
            try:
                with unit_of_work() as session:
                    hosts.seen(session)
                reconcile()
            except Exception as error:  # the database is away, or a disk is full: the next round may do better
                logger.warning("keeper_failed", error=f"{type(error).__name__}: {error}")
            if over.wait(EVERY):
                return

    threading.Thread(target=rounds, name="keeper", daemon=True).start()
    return over
