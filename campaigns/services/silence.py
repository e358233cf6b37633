"""Silence means no: who was asked and did not answer in time is written to no more."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import clock
from campaigns.queries.waves import silent
from consent.errors import NotAllowed
from consent.policy.standing import Action, Actor, Subject
from consent.services.ageing import Upkeep
from consent.services.ledger import Entry, append


def due(now: datetime, months: int = 0) -> Select[int]:
    """Return a SELECT of the contacts who let the time for an answer pass."""
    del months
    return select(silent(now).subquery().c.contact_id).distinct()


def expire(session: Session, contact_ids: list[int]) -> None:
    """Write into the ledger that these contacts did not answer; it names the campaign that asked."""
    asked = silent(clock.now()).subquery()
    query = select(asked).where(asked.c.contact_id.in_(contact_ids)).order_by(*asked.c)
    for row in session.execute(query).all():
        with suppress(NotAllowed):  # two campaigns asked about one topic: the first entry has ended it
            append(
                session,
                row.contact_id,
                Entry(
                    Subject.TOPIC,
                    Action.SILENCE,
                    Actor.SYSTEM,
                    topic_id=row.topic_id,
                    campaign_id=row.campaign_id,
                ),
            )


UPKEEP = Upkeep(
    "silence",
    _("Re-permission without an answer"),
    _("Ends the permission of people who were asked whether they still want it and did not answer in time."),
    timedelta(hours=1),
    due,
    expire,
)
