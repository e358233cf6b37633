"""Periodic work of tracking, and the job that seals the events of somebody erased."""

from __future__ import annotations

from pathlib import Path

from app.core import config, db, jobs, log
from tracking.engine.inbound import fetch
from tracking.services import inbound, retention, seal
from tracking.services.forget import PATIENCE
from tracking.services.partitions import ensure

logger = log.get("tracking")


@jobs.periodic("tracking.partitions", every=3600)
def partitions() -> None:
    """Have the partitions of ``event`` ready for the months to come."""
    with db.unit_of_work() as session:
        ensure(session)


@jobs.periodic("tracking.empty_partitions", every=3600)
def empty_partitions() -> None:
    """Drop the partitions of ``event`` that retention has emptied, each in a transaction of its own."""
    with db.unit_of_work() as session:
        retention.forget_batches(session)
        old = retention.old_partitions(session)
    for name in old:
        try:
            with db.unit_of_work() as session:
                dropped = retention.drop_if_empty(session, name)
        except db.Busy:
            logger.info("partition_busy", partition=name)
            continue
        if dropped:
            logger.info("partition_dropped", partition=name)


@jobs.job(seal.SEAL_PERSON.name, queue=seal.SEAL_PERSON.queue)
def seal_person(contact_id: int) -> None:
    """Seal the raw events of somebody erased; those that are not folded yet, later."""
    with db.unit_of_work() as session:
        if not seal.seal_person(session, contact_id):
            jobs.enqueue(session, seal.SEAL_PERSON, contact_id, delay=PATIENCE)


@jobs.periodic("tracking.inbound", every=10)
def fetch_inbound() -> None:
    """Apply what came in by mail."""
    fetch(Path(config.current().inbound_maildir))


@jobs.periodic("tracking.forget_inbound", every=86400)
def forget_inbound() -> None:
    """Forget that old mails came in."""
    with db.unit_of_work() as session:
        inbound.forget(session)
