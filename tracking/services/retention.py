"""How long raw events are kept: an upkeep that seals them by the hour, and partitions that go once they are empty.

Sealing by the hour keeps transactions short and locks nobody out; a run that is killed or stopped leaves sealed hours
and untouched ones, and nothing between. CNIL (2020, lignes directrices « cookies et autres traceurs »): what measuring
an audience collects may be kept for 25 months.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from consent.services.ageing import Unit, Upkeep
from tracking.queries import raw
from tracking.services.seal import seal_hours

MONTHS = 25
# Orders are credited within days, and mails are answered within weeks: no label and no credit of them is open by then.
LEAST_MONTHS = 3
_HOURS = 4  # a transaction seals


def _apply(session: Session, hours: list[int]) -> None:
    seal_hours(session, hours)


UPKEEP = Upkeep(
    "raw_events",
    _("Raw opens and clicks"),
    _(
        "Deletes recorded opens and clicks, one by one as they were, after the period. How many, the first and the last"
        " stay with each mail and link, so no report and no segment changes. Whole months only."
    ),
    timedelta(days=1),
    raw.hours,
    _apply,
    Unit.EVENT_HOUR,
    months=MONTHS,
    optional=True,
    least=LEAST_MONTHS,
    batch=_HOURS,
    by_month=raw.by_month,
)

_EMPTIED = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'event'::regclass AND c.relname ~ '^event_p[0-9]+$'
    AND c.relname < 'event_p' || to_char(CAST(:now AS timestamptz) - make_interval(months => :months), 'YYYYMM')
ORDER BY c.relname
"""
_SPENT = "DELETE FROM event_batch WHERE folded_at IS NOT NULL AND last_at < (SELECT min(at) FROM event)"


def old_partitions(session: Session) -> list[str]:
    """Return the partitions of ``event`` for months that are long over, the oldest first."""
    rows = session.scalars(text(_EMPTIED), {"now": clock.now(), "months": LEAST_MONTHS})
    return list(rows)


def drop_if_empty(session: Session, partition: str) -> bool:
    """Drop a partition that holds nothing any more. Its space goes back to the disk; a late event has it made anew.

    It waits a second at most for those who read: then the next round does it.
    """
    session.execute(text("SET LOCAL lock_timeout = '1s'"))
    # Nobody may write to it from here on; reading goes on until the moment it is dropped.
    session.execute(text(f"LOCK TABLE {partition} IN SHARE MODE"))
    if session.scalar(text(f"SELECT EXISTS (SELECT FROM {partition})")):  # noqa: S608 - a name of the catalogue
        return False
    session.execute(text(f"DROP TABLE {partition}"))
    return True


def forget_batches(session: Session) -> None:
    """Forget batches whose events are all gone."""
    session.execute(text(_SPENT))
