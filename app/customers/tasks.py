"""Jobs of the customer base."""

from __future__ import annotations

from app.core.jobs import Queue, job
from app.customers.engine import importing


@job("customers.import", queue=Queue.IMPORT)
def run_import(batch_id: int) -> None:
    """Run an import from where it is; one that was stopped or is done stays so."""
    importing.run(batch_id)
