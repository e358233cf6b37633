"""Permission over time: the fold agrees with the projection for any history, and rates are what METRICS says."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core import clock as now
from app.core.db import unit_of_work
from consent.commands import COMMANDS
from consent.errors import NotAllowed
from consent.policy.ladder import Level, State
from consent.policy.standing import Action, Actor, Subject
from consent.policy.statistics import By, Moves, Period, periods
from consent.queries import permissions
from consent.queries.statistics import Part, Statistics, statistics
from consent.services import statistics as service
from consent.services.ageing import expiry, purge
from consent.services.ledger import Entry, append
from consent.services.objections import complain, object_to_marketing
from consent.services.withdraw import withdraw
from tests.conftest import Clock
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

JANUARY = datetime(2026, 1, 5, 12, tzinfo=UTC)


def figures(session: Session, topic: int, first: date, last: date, by: By = By.MONTH) -> Statistics:
    service.fold(session)
    return statistics(session, [topic], first, last, by)


def test_gains_and_losses_stand_in_their_months(session: Session, clock: Clock) -> None:
    clock.to(JANUARY)
    topic = make.make_topic(session)
    people = [make.permitted_contact(session, topic) for _ in range(10)]
    lapsing = make.make_contact(session)
    make.grant(session, lapsing, topic, expires_at=now.now() + timedelta(days=40))
    clock.forward(timedelta(days=31))
    withdraw(session, people[0], [topic], actor=Actor.SUBSCRIBER)
    object_to_marketing(session, people[1], actor=Actor.SUBSCRIBER)
    complain(session, people[2])
    clock.forward(timedelta(days=10))
    expiry.expire(session, [lapsing])
    purge.purge(session, [people[3]])
    make.grant(session, people[0], topic)
    found = figures(session, topic, date(2026, 1, 1), date(2026, 2, 28))
    january, february = found.periods
    assert (january.start, january.moves.gained, january.end) == (0, 11, 11)
    assert february.moves == Moves(gained=1, withdrawn=1, expired=1, objected=1, complained=1, purged=1)
    assert (february.start, february.end) == (11, 7)
    assert february.list_growth_rate.value == pytest.approx(-4 / 11) and february.churn_rate.numerator == 5
    assert january.churn_rate.value is None, "without a start there is no rate"
    assert found.whole.end == 7


def test_a_day_is_the_brands(session: Session, clock: Clock) -> None:
    brand = make.make_brand(session, time_zone="Pacific/Auckland")
    clock.to(datetime(2026, 3, 31, 20, tzinfo=UTC))  # already the first of April over there
    topic = make.make_topic(session, brand)
    make.permitted_contact(session, topic)
    march, april = figures(session, topic, date(2026, 3, 1), date(2026, 4, 30)).periods
    assert (march.moves.gained, april.moves.gained) == (0, 1)


def test_who_climbs_moves_and_is_neither_gained_nor_lost(session: Session, clock: Clock) -> None:
    clock.to(JANUARY)
    topic = make.make_topic(session)
    person = make.make_contact(session)
    make.grant(session, person, topic, level=Level.OPT_IN)
    clock.forward(timedelta(days=1))
    make.grant(session, person, topic)
    make.grant(session, person, topic, level=Level.OPT_IN)  # weaker: recorded, without effect
    found = figures(session, topic, date(2026, 1, 6), date(2026, 1, 31))
    assert found.whole.start == found.whole.end == 1 and found.whole.moves.gained == found.whole.moves.lost == 0
    levels = found.parts[Part.LEVEL]
    assert (levels["opt_in"].start, levels["opt_in"].end) == (1, 0)
    assert (levels["confirmed"].start, levels["confirmed"].end) == (0, 1)


def test_an_act_placed_back_counts_when_it_happened(session: Session) -> None:
    topic = make.make_topic(session)
    person = make.make_contact(session)
    make.grant(session, person, topic, actor=Actor.IMPORT, at=datetime(2020, 5, 5, tzinfo=UTC))
    found = figures(session, topic, date(2020, 5, 1), date(2020, 5, 31))
    assert found.whole.moves.gained == 1


ACTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from("confirm opt_in import request withdraw object complain reopen expire".split()),
        st.integers(0, 3),
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(acts=ACTS)
def test_the_fold_agrees_with_the_projection(session: Session, clock: Clock, acts: list[tuple[int, str, int]]) -> None:
    clock.to(JANUARY)
    with session.begin_nested() as savepoint:
        topic = make.make_topic(session)
        people = [make.make_contact(session) for _ in range(3)]
        for who, what, days in acts:
            clock.forward(timedelta(days=days))
            try:
                with session.begin_nested():
                    _act(session, people[who], topic, what)
            except NotAllowed:
                pass
        clock.forward(timedelta(days=1))
        expiry.expire(session, people)
        found = figures(session, topic, date(2025, 1, 1), date(2027, 1, 1))
        stand: Counter[str] = Counter()
        for person in people:
            current = permissions.of_contact(session, person).get(topic)
            blocked = session.scalar(
                text("SELECT coalesce(objected_at, complained_at) IS NOT NULL FROM contact WHERE id = :id"),
                {"id": person},
            )
            if current and current.state is State.GRANTED and not blocked:
                stand[str(current.level)] += 1
        assert found.whole.end == stand.total()
        assert {name: part.end for name, part in found.parts[Part.LEVEL].items() if part.end} == dict(stand)
        assert found.whole.moves.moved_in == found.whole.moves.moved_out
        savepoint.rollback()


def _act(session: Session, person: int, topic: int, what: str) -> None:
    if what == "confirm":
        make.grant(session, person, topic)
    elif what == "opt_in":
        make.grant(session, person, topic, level=Level.OPT_IN)
    elif what == "import":
        soon = now.now() + timedelta(days=2)
        make.grant(session, person, topic, level=Level.OPT_IN, actor=Actor.IMPORT, expires_at=soon)
    elif what == "request":
        make.act(session, person, Action.REQUEST, topic_id=topic)
    elif what == "withdraw":
        make.act(session, person, Action.WITHDRAW, topic_id=topic)
    elif what == "object":
        append(session, person, Entry(Subject.MARKETING, Action.OBJECT, Actor.SUBSCRIBER))
    elif what == "complain":
        append(session, person, Entry(Subject.MARKETING, Action.COMPLAIN, Actor.SYSTEM))
    elif what == "reopen":
        append(session, person, Entry(Subject.MARKETING, Action.CONFIRM, Actor.SUBSCRIBER))
    else:
        expiry.expire(session, [person])


@given(
    start=st.integers(0, 100),
    first=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    span=st.integers(0, 400),
    by=st.sampled_from(By),
)
def test_periods_cover_a_span_once(start: int, first: date, span: int, by: By) -> None:
    last = first + timedelta(days=span)
    days = {first + timedelta(days=n): Moves(gained=1) for n in range(span + 1)}
    made = periods(start, days, first, last, by)
    assert made[0].begin == first and made[0].start == start
    assert sum(period.moves.gained for period in made) == span + 1 and made[-1].end == start + span + 1
    assert all(before.end == after.start for before, after in pairwise(made))


def test_rates_say_what_they_divide() -> None:
    said = Period(date(2026, 1, 1), 40, Moves(gained=10, withdrawn=4)).to_json()
    growth = {"value": 0.15, "numerator": 6, "denominator": 40, "denominator_name": "start"}
    assert said["list_growth_rate"] == growth and said["end"] == 46


def test_the_command_prints_json(db: Engine) -> None:
    with unit_of_work() as session:
        topic = make.make_topic(session, name="News")
        make.permitted_contact(session, topic)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(COMMANDS[0], ["statistics", *arguments])
        return result.exit_code, result.output

    code, printed = run("--topic", "news", "--by", "week")
    said = json.loads(printed)
    assert code == 0 and said["by"] == "week"
    (shown,) = said["topics"]
    assert shown["topic"] == "news" and shown["whole"]["gained"] == 1 and shown["by_level"]["confirmed"]["end"] == 1
    with unit_of_work() as session:
        assert service.refresh(session) is False, "nothing new, nothing to fold"
        make.permitted_contact(session, topic)
    with unit_of_work() as session:
        assert service.refresh(session, at_once=True) is True
    assert run("--from", "soon")[0] != 0 and run("--from", "2026-02-01", "--to", "2026-01-01")[0] != 0


def test_the_page_and_its_file(client: FlaskClient, db: Engine) -> None:
    make_staff()
    sign_in(client)
    assert "Nobody has permitted anything yet" in client.get("/statistics").text
    with unit_of_work() as session:
        topic = make.make_topic(session, name="News")
        for _ in range(3):
            make.permitted_contact(session, topic)
        service.fold(session)
    page = client.get("/statistics?topic=news&by=week")
    assert page.status_code == 200 and "By level" in page.text and "confirmed" in page.text
    assert client.get("/statistics?from=soon&to=never&by=year&topic=none").status_code == 200
    rows = list(csv.DictReader(io.StringIO(client.get("/statistics/figures.csv?by=month").text)))
    assert rows[-1]["topic"] == "news" and rows[-1]["gained"] == "3" and rows[-1]["end"] == "3"
