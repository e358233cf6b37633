"""The history of segments: each is counted once a day."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock, log
from app.core.db import unit_of_work
from app.core.errors import UserError
from app.core.jobs import periodic
from campaigns.queries import segments as queries
from campaigns.services import segments

logger = log.get("segments")
A_DAY = timedelta(hours=23)  # a little less, so that the hour of the day does not wander


@periodic("campaigns.count_segments", every=3600)
def count_segments() -> None:
    """Count the segments that were not counted for a day; one that cannot be counted keeps its last number."""
    with unit_of_work() as session:
        due = queries.due(session, clock.now() - A_DAY)
    for segment_id in due:
        try:
            with unit_of_work() as session:
                segments.count_anew(session, segment_id)
        except UserError as error:
            logger.info("segment_not_counted", segment=segment_id, why=type(error).__name__)
