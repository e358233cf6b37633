"""Jobs of suppression: reading lists."""

from __future__ import annotations

from app.core.db import unit_of_work
from app.core.jobs import Queue, job, periodic
from consent.engine import lists
from consent.services.lists import forget_old


@job("consent.read_list", queue=Queue.IMPORT)
def read_list(list_id: int) -> None:
    """Read a list of suppressed addresses from where it is; one that is done stays so."""
    lists.run(list_id)


@periodic("consent.forget_lists", every=86400)
def forget_lists() -> None:
    """Delete refused lines of old lists."""
    with unit_of_work() as session:
        forget_old(session)
