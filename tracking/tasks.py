"""Periodic work of tracking."""

from __future__ import annotations

from app.core import db, jobs
from tracking.services.partitions import ensure


@jobs.periodic("tracking.partitions", every=3600)
def partitions() -> None:
    """Have the partitions of ``event`` ready for the months to come."""
    with db.unit_of_work() as session:
        ensure(session)
