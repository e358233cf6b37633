"""Jobs of suppression: reading lists."""

from __future__ import annotations

from app.core.jobs import Queue, job
from consent.engine import lists


@job("consent.read_list", queue=Queue.IMPORT)
def read_list(list_id: int) -> None:
    """Read a list of suppressed addresses from where it is; one that is done stays so."""
    lists.run(list_id)
