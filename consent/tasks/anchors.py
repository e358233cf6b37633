"""The daily anchor."""

from __future__ import annotations

from app.core import log
from app.core.db import unit_of_work
from app.core.jobs import periodic
from consent.errors import LedgerBroken
from consent.services.anchors import make_daily

logger = log.get("consent")


# Asked every hour, so that a day whose hour was missed has its anchor, too.
@periodic("consent.anchor", every=3600)
def anchor() -> None:
    """Anchor the ledger once a day; say loudly when it has lost something since the last time."""
    try:
        with unit_of_work() as session:
            made = make_daily(session)
    except LedgerBroken as error:
        logger.error("ledger_broken", problem=str(error))
        return
    if made is not None:
        logger.info("ledger_anchored", number=made.number, chains=made.chains, seal=made.seal.hex())
