"""Periodic work that time does to permission."""

from __future__ import annotations

from app.core import log
from app.core.db import unit_of_work
from app.core.jobs import periodic
from consent.services import ageing

logger = log.get("consent")
BATCH = 500


@periodic("consent.expire", every=300)
def expire() -> None:
    """Write down what has expired."""
    done = BATCH
    while done == BATCH:
        with unit_of_work() as session:
            done = ageing.expire(session, BATCH)
        if done:
            logger.info("permissions_expired", count=done)


@periodic("consent.purge_sign_ups", every=3600)
def purge_sign_ups() -> None:
    """Forget sign-ups that ended."""
    with unit_of_work() as session:
        count = ageing.purge_sign_ups(session)
    if count:
        logger.info("sign_ups_purged", count=count)
