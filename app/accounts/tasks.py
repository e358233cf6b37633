"""Periodic work of the accounts."""

from __future__ import annotations

from app.accounts.services import access
from app.core.db import unit_of_work
from app.core.jobs import periodic

BATCH = 20_000


@periodic("accounts.forget_access", every=86400)
def forget_access() -> None:
    """Delete what the access log need not know any longer."""
    done = BATCH
    while done == BATCH:
        with unit_of_work() as session:
            done = access.forget_old(session, BATCH)
