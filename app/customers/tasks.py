"""Jobs of the customer base."""

from __future__ import annotations

from app.core.db import unit_of_work
from app.core.jobs import Queue, job, periodic
from app.customers.engine import importing
from app.customers.services.importing import forgetting


@job("customers.import", queue=Queue.IMPORT)
def run_import(batch_id: int) -> None:
    """Run an import from where it is; one that was stopped or is done stays so."""
    importing.run(batch_id)


@periodic("customers.forget_imports", every=86400)
def forget_imports() -> None:
    """Delete what old imports left behind."""
    with unit_of_work() as session:
        forgetting.forget_old(session)
