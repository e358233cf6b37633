"""Periodic work of tracking."""

from __future__ import annotations

from pathlib import Path

from app.core import config, db, jobs
from tracking.engine.inbound import fetch
from tracking.services import inbound
from tracking.services.partitions import ensure


@jobs.periodic("tracking.partitions", every=3600)
def partitions() -> None:
    """Have the partitions of ``event`` ready for the months to come."""
    with db.unit_of_work() as session:
        ensure(session)


@jobs.periodic("tracking.inbound", every=10)
def fetch_inbound() -> None:
    """Apply what came in by mail."""
    fetch(Path(config.current().inbound_maildir))


@jobs.periodic("tracking.forget_inbound", every=86400)
def forget_inbound() -> None:
    """Forget that old mails came in."""
    with db.unit_of_work() as session:
        inbound.forget(session)
