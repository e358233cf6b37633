"""How often forms were seen, counted in Valkey and carried to the database once a minute.

A view of a page costs one increment in memory, never a write to the database; so no flood of views becomes a flood of
writes. Should Valkey die, a minute of views is missing from a figure that is an estimate anyway.
"""

from __future__ import annotations

from datetime import date

import redis

from app.core import clock, log, valkey
from app.core.db import unit_of_work
from consent.policy.sources import OTHER
from consent.services import figures

logger = log.get("consent")
KEY = "forms:seen"
FIELDS = 5_000  # form, day and source that may wait at once; beyond it the source is not told apart


def note(form_id: int, source: str) -> None:
    """Count one view of a form. Never fails: a page is more important than its figure."""
    day = figures.day_of(clock.now()).isoformat()
    try:
        client = valkey.client()
        apart = client.hlen(KEY) < FIELDS
        client.hincrby(KEY, f"{form_id} {day} {source if apart else OTHER}", 1)
    except redis.RedisError as error:
        logger.warning("form_view_not_counted", error=type(error).__name__)


def carry() -> int:
    """Add what was counted to the figures in the database; returns how many views.

    The counts are taken out first: a crash in between loses a minute's views and never counts them twice.
    """
    with valkey.client().pipeline(transaction=True) as pipe:
        pipe.hgetall(KEY)
        pipe.delete(KEY)
        counted: dict[bytes, bytes] = pipe.execute()[0]
    if not counted:
        return 0
    with unit_of_work() as session:
        for field, count in sorted(counted.items()):
            form_id, day, source = field.decode().split(" ", 2)
            figures.add(session, int(form_id), date.fromisoformat(day), source, seen=int(count))
    return sum(int(count) for count in counted.values())
