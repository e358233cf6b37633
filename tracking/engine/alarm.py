"""The alarm of a spool that takes no hits: a line in the log, and a figure for ``/metrics`` and the operations page."""

from __future__ import annotations

import threading
from datetime import timedelta

import redis

from app.core import clock, log, valkey

logger = log.get("tracking")

EVERY = timedelta(seconds=30)
_KEY = "permesso:tracking:not-recorded"


class Alarm:
    """Counts hits that were answered but not recorded, and says so at most every half minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = 0
        self._said_at = clock.now() - EVERY

    def raised(self, error: OSError) -> None:
        """Count one hit that the spool did not take."""
        with self._lock:
            self._lost += 1
            if clock.now() - self._said_at < EVERY:
                return
            self._said_at = clock.now()
            lost, self._lost = self._lost, 0
        logger.critical("hits_not_recorded", hits=lost, error=str(error), remedy="free space under PERMESSO_VAR")
        try:
            valkey.client().incrby(_KEY, lost)
        except (redis.RedisError, OSError):
            with self._lock:
                self._lost += lost  # told with the next


def not_recorded() -> int:
    """Return how many hits of all hosts were answered but not recorded, as far as they could be counted."""
    return int(valkey.client().get(_KEY) or 0)
