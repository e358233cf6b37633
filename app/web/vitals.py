"""How this deployment is: for ``/healthz``, ``/metrics`` and the operations page."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from app.core import config, db, ids, jobs, valkey
from app.core.upkeep import HEARTBEAT
from campaigns.queries.current import messages_by_state
from tracking.engine import spool
from tracking.engine.alarm import not_recorded
from tracking.queries.lag import Lag, lag

# How long a worker may take to be heard of first: the sign comes every ten seconds and lasts a minute, and a machine
# that starts everything at once is slow.
STARTING_SECONDS = 120
_began = time.monotonic()


@dataclass(frozen=True)
class Vitals:
    """Figures of one moment."""

    queues: dict[str, int]
    failed_jobs: int
    lag: Lag
    spool_bytes: int
    hits_not_recorded: int
    messages: dict[str, int]


def health() -> dict[str, bool]:
    """Return what answers: database, broker, and the sign that beat and a worker leave every ten seconds."""
    return {"database": _answers(_database), "broker": _answers(_broker), "worker": _answers(_heartbeat)}


def starting(checks: dict[str, bool]) -> bool:
    """Say whether nothing is wrong but that no worker was heard of yet, this process being young itself."""
    young = time.monotonic() - _began < STARTING_SECONDS
    return young and not checks["worker"] and checks["database"] and checks["broker"]


def vitals() -> Vitals:
    """Read all figures; the queues count what is not done, published or not."""
    settings = config.current()
    with db.unit_of_work() as session:
        queues, failed, behind = jobs.waiting(session), jobs.count_failed(session), lag(session)
        messages = messages_by_state(session)
    backlog = spool.backlog(settings.var / "spool", ids.host_id(settings.var))
    return Vitals(queues, failed, behind, backlog.bytes, not_recorded(), messages)


def versions() -> dict[str, str]:
    """Return the versions of what runs."""
    with db.raw() as connection:
        row = connection.execute("SHOW server_version").fetchone()
    info = valkey.client().info("server")
    return {
        "Permesso": _own_version(),
        "Python": platform.python_version(),
        "PostgreSQL": str(row[0]).split()[0] if row else "",
        "Valkey": str(info.get("valkey_version", info.get("redis_version", ""))),
    }


def _own_version() -> str:
    try:
        return version("permesso")
    except PackageNotFoundError:
        return "0.1.0"  # run from its folder, not installed


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # whatever is wrong with it, it does not answer
        return False


def _database() -> bool:
    with db.raw() as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def _broker() -> bool:
    return bool(valkey.client().ping())


def _heartbeat() -> bool:
    return bool(valkey.client().exists(HEARTBEAT))
