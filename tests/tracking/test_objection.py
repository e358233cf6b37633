"""An objection to marketing ends scoring and profiling; taking it back begins them again."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.db import unit_of_work
from campaigns.queries.segments.run import count
from consent.policy.standing import Action, Actor, Subject
from consent.services.ledger import Entry, append
from consent.services.objections import object_to_marketing
from tests.factories.tracking import Sent, drained, hit, make_sent
from tracking.services.fold import fold
from tracking.services.rebuild import rebuild


@pytest.fixture
def sent(app: Flask) -> Sent:
    """Two people who opened, and each bought something."""
    with unit_of_work() as session:
        made = make_sent(session, 2)
        for person in (0, 1):
            drained(session, [hit(made, person), hit(made, person, after=90, link=0)])
            session.execute(
                text(
                    'INSERT INTO "order" (source, external_id, contact_id, brand_id, at, amount, currency, rate_date,'
                    " value) VALUES ('shop', :number, :contact, :brand, now(), 10, 'EUR', now(), 10)"
                ),
                {"number": str(person), "contact": made.people[person], "brand": made.brand_id},
            )
    settle()
    return made


def settle() -> None:
    with unit_of_work() as session:
        session.execute(text("UPDATE event_batch SET drained_at = drained_at - interval '1 minute'"))
        fold(session)
        rebuild(session)


def profiles(session: Session) -> dict[int, tuple[object, ...]]:
    rows = session.execute(text("SELECT * FROM contact_profile ORDER BY contact_id"))
    return {row.contact_id: tuple(row)[1:] for row in rows}


def opened(session: Session, did: str) -> int:
    return count(session, {"all": [{"engagement": "opened", "op": did}]})


def test_row_73_an_objection_ends_profiling_until_it_is_taken_back(sent: Sent) -> None:
    ada, ben = sent.people
    with unit_of_work() as session:
        before = profiles(session)
        assert set(before) == {ada, ben} and opened(session, "did") == 2
        object_to_marketing(session, ada, actor=Actor.SUBSCRIBER)
        assert set(profiles(session)) == {ben}
        assert opened(session, "did") == 1 and opened(session, "did_not") == 0
    with unit_of_work() as session:
        drained(session, [hit(sent, 0, after=500, link=1), hit(sent, 1, after=500, link=1)])
    settle()
    with unit_of_work() as session:
        assert set(profiles(session)) == {ben} and rebuild(session).total == 0
        append(session, ada, Entry(Subject.MARKETING, Action.CONFIRM, Actor.SUBSCRIBER))
        assert set(profiles(session)) == {ada, ben} and opened(session, "did") == 2
        assert rebuild(session).total == 0, "what came back is what a rebuild would make"
