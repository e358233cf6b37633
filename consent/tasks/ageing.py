"""Periodic work that time does to permission, and the job that runs one upkeep to its end."""

from __future__ import annotations

from app.core import log
from app.core.db import unit_of_work
from app.core.jobs import job, periodic
from consent.services import statistics
from consent.services.ageing import running

logger = log.get("consent")


@periodic("consent.age", every=300)
def age() -> None:
    """Begin the upkeep whose time has come."""
    with unit_of_work() as session:
        begun = running.start_due(session)
    for name in begun:
        logger.info("upkeep_begun", upkeep=name)


@periodic("consent.statistics", every=60)
def fold_statistics() -> None:
    """Fold permission over time when the ledger has grown."""
    with unit_of_work() as session:
        statistics.refresh(session)


@job(running.RUN.name, queue=running.RUN.queue)
def run(run_id: int) -> None:
    """Run an upkeep, a few people a transaction: killed at any moment, it goes on where it was."""
    try:
        going = True
        while going:
            with unit_of_work() as session:
                going = running.step(session, run_id)
    except Exception as error:
        logger.exception("upkeep_failed", run=run_id)
        with unit_of_work() as session:
            running.fail(session, run_id, f"{type(error).__name__}: {error}")
