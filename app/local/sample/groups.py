"""Segments of the sample that ask about more than fields, how they grew, and two lists of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import unit_of_work
from app.local.sample.base import at
from app.local.sample.company import Company
from app.local.sample.people import Person
from campaigns.queries import segments as queries
from campaigns.services import lists, segments
from consent.queries import topics

WEEKS = 10


def gather(company: Company, people: Sequence[Person]) -> None:
    """Make the segments with their history, a snapshot, and the guest list of an evening."""
    with unit_of_work() as session:
        newsletter = topics.topic(session, company.of("fr").newsletter).slug
        birthdays = segments.create(
            session,
            "Anniversaire dans les 7 jours",
            _all(
                {"field": "birthday", "op": "anniversary_within_days", "value": 7},
                {"permission": newsletter, "op": "granted", "level": "confirmed"},
            ),
        )
        buyers = segments.create(
            session, "Bought twice or more", _all({"orders": "count", "op": "gte", "value": 2, "within_days": 730})
        )
        quiet = segments.create(
            session,
            "Good customers gone quiet",
            _all(
                {"segment": buyers, "op": "in"},
                {"orders": "last", "op": "more_than_days_ago", "value": 180},
                {"any": [{"engagement": "opened", "op": "did_not", "within_days": 90}, {"tag": "quiet", "op": "has"}]},
            ),
        )
        lists.snapshot(session, buyers, "Bought twice or more, before Christmas")
        guests = [person.email for person in people if person.city == "Lyon"][:48]
        lists.upload(session, "\n".join([*guests, "a.neighbour@example.org"]).encode(), "Guests of the tasting evening")
    for segment_id in (birthdays, buyers, quiet):
        _grow(segment_id)


def _grow(segment_id: int) -> None:
    """Count a segment as it would have been week by week, of the people who were there then."""
    for weeks in range(WEEKS, 0, -1):
        moment = clock.now() - timedelta(weeks=weeks)
        with at(moment), unit_of_work() as session:
            segments.note_count(session, segment_id, _then(session, segment_id))
    with unit_of_work() as session:
        segments.count_anew(session, segment_id)


def _then(session: Session, segment_id: int) -> int:
    there = {"field": "created_at", "op": "before", "value": clock.now().date().isoformat()}
    return queries.count(session, _all(queries.segment(session, segment_id).definition, there))


def _all(*members: Mapping[str, object]) -> dict[str, object]:
    return {"all": list(members)}
