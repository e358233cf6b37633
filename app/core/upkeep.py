"""Periodic work of the ground floor: the sweeper of jobs and the worker's heartbeat."""

from __future__ import annotations

from app.core import jobs, valkey

HEARTBEAT = "permesso:heartbeat:worker"


@jobs.periodic("core.sweep", every=10)
def sweep() -> None:
    """Publish again every job that is due and that nobody runs."""
    client = valkey.client()
    jobs.sweep(lambda queue: int(client.llen(queue)))


@jobs.periodic("core.heartbeat", every=10)
def heartbeat() -> None:
    """Leave a sign that beat, broker and a worker are alive; ``/healthz`` looks for it."""
    valkey.client().set(HEARTBEAT, b"1", ex=60)
