"""Periodic work of the accounts."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from app.accounts.services import access
from app.core import config
from app.core.db import unit_of_work
from app.core.jobs import periodic
from app.core.registries import Retention, retentions

BATCH = 20_000
retentions.add(
    "audit", Retention(lazy_gettext("Audit trail"), lambda _: gettext("for good: it holds no contact's data"))
)
retentions.add(
    "access",
    Retention(lazy_gettext("Access log"), lambda _: gettext("%(days)s days", days=config.current().access_log_days)),
)


@periodic("accounts.forget_access", every=86400)
def forget_access() -> None:
    """Delete what the access log need not know any longer."""
    done = BATCH
    while done == BATCH:
        with unit_of_work() as session:
            done = access.forget_old(session, BATCH)
