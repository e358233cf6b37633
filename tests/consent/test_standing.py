"""The state machine: every state against every act; and decisions equal to the projection for any history."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput
from app.customers.queries.contacts import contact, contact_table
from app.customers.services.contacts import change_address, edit
from consent.errors import NotAllowed
from consent.policy.grounds import GROUNDS, ends
from consent.policy.ladder import Basis, Level, State
from consent.policy.profiles import PROFILES
from consent.policy.standing import Act, Action, Actor, Effect, Standing, Subject, decide, follow
from consent.queries import permissions, topics
from consent.queries.gates import gates
from consent.queries.verdicts import deciding, verdicts
from consent.queries.verify import verify
from consent.services.ledger import Entry, append
from tests.factories import consent as make

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEY = b"k" * 32
TAKES, KEEPS, REFUSED = Effect.TAKES, Effect.KEEPS, Effect.REFUSED


def standing(state: State, *, lapsed: bool = False) -> Standing:
    expires = NOW - timedelta(days=1) if lapsed else None
    return Standing(state, Level.CONFIRMED, Basis.CONSENT, KEY, NOW, expires, 1)


def act(state: State, actor: Actor, level: Level = Level.CONFIRMED, basis: Basis = Basis.CONSENT) -> Act:
    return Act(
        Subject.TOPIC, Action.GRANT, state, actor, NOW, NOW, topic_id=1, level=level, basis=basis, address_key=KEY
    )


# (what stands, what happens) → for the person's own act, for anybody else's
TABLE = {
    (State.NEVER_ASKED, State.PENDING): (TAKES, TAKES),
    (State.NEVER_ASKED, State.GRANTED): (TAKES, TAKES),
    (State.NEVER_ASKED, State.WITHDRAWN): (TAKES, TAKES),
    (State.NEVER_ASKED, State.EXPIRED): (REFUSED, REFUSED),
    (State.PENDING, State.PENDING): (TAKES, TAKES),
    (State.PENDING, State.GRANTED): (TAKES, TAKES),
    (State.PENDING, State.WITHDRAWN): (TAKES, TAKES),
    (State.PENDING, State.EXPIRED): (REFUSED, REFUSED),
    (State.GRANTED, State.PENDING): (KEEPS, KEEPS),
    (State.GRANTED, State.GRANTED): (TAKES, TAKES),
    (State.GRANTED, State.WITHDRAWN): (TAKES, TAKES),
    (State.GRANTED, State.EXPIRED): (REFUSED, REFUSED),
    (State.WITHDRAWN, State.PENDING): (KEEPS, KEEPS),
    (State.WITHDRAWN, State.GRANTED): (TAKES, REFUSED),
    (State.WITHDRAWN, State.WITHDRAWN): (KEEPS, KEEPS),
    (State.WITHDRAWN, State.EXPIRED): (REFUSED, REFUSED),
    (State.EXPIRED, State.PENDING): (TAKES, TAKES),
    (State.EXPIRED, State.GRANTED): (TAKES, TAKES),
    (State.EXPIRED, State.WITHDRAWN): (TAKES, TAKES),
    (State.EXPIRED, State.EXPIRED): (REFUSED, REFUSED),
}


def test_the_table_is_whole() -> None:
    acts = [state for state in State if state is not State.NEVER_ASKED]
    assert set(TABLE) == set(product(State, acts))


@pytest.mark.parametrize(("known", "said"), TABLE)
@pytest.mark.parametrize("actor", Actor)
def test_what_may_follow_what(known: State, said: State, actor: Actor) -> None:
    assert follow(standing(known), act(said, actor)) is TABLE[known, said][actor is not Actor.SUBSCRIBER]


@pytest.mark.parametrize(
    ("lapsed", "said", "effect"),
    [
        (State.GRANTED, State.EXPIRED, TAKES),
        (State.PENDING, State.EXPIRED, TAKES),
        (State.GRANTED, State.PENDING, TAKES),
        (State.WITHDRAWN, State.GRANTED, REFUSED),
    ],
)
def test_what_is_past_its_time_counts_as_expired(lapsed: State, said: State, effect: Effect) -> None:
    assert follow(standing(lapsed, lapsed=True), act(said, Actor.SYSTEM)) is effect


@pytest.mark.parametrize(
    ("level", "basis", "effect"),
    [
        (Level.OPT_IN, Basis.CONSENT, KEEPS),
        (Level.CONFIRMED, Basis.SOFT_OPT_IN, KEEPS),
        (Level.CONFIRMED, Basis.CONSENT, TAKES),
    ],
)
def test_a_weaker_yes_never_replaces_a_stronger_one(level: Level, basis: Basis, effect: Effect) -> None:
    assert follow(standing(State.GRANTED), act(State.GRANTED, Actor.IMPORT, level, basis)) is effect


def test_a_yes_for_another_address_replaces_any() -> None:
    other = Standing(State.GRANTED, Level.CONFIRMED, Basis.CONSENT, b"o" * 32, NOW)
    assert follow(other, act(State.GRANTED, Actor.IMPORT, Level.OPT_IN)) is TAKES


# Any history


@dataclass(frozen=True)
class Step:
    """Something that is tried; what the rules forbid is refused and leaves nothing. ``lacks`` is how many of the
    basis's conditions are left out, ``ago`` how many days back it happened; the contact may move house and mailbox."""

    subject: Subject
    action: Action
    actor: Actor
    level: Level | None
    basis: Basis | None
    lacks: int
    ago: int | None
    expires_in: int | None
    days: int
    mailbox: bool
    country: str | None


@dataclass(frozen=True)
class World:
    """Where a history happens: the brand's profile before and after it, and what the topic accepts."""

    profile: str
    later: str
    accepts: dict[str, list[str]]


steps = st.lists(
    st.builds(
        Step,
        subject=st.sampled_from([Subject.TOPIC] * 8 + [Subject.MARKETING, Subject.TRACKING, Subject.BRAND]),
        action=st.sampled_from(list(Action)[:9]),
        actor=st.sampled_from(Actor),
        level=st.sampled_from(Level),
        basis=st.sampled_from(Basis),
        lacks=st.sampled_from([0, 0, 0, 1, 2]),
        ago=st.none() | st.integers(0, 800),
        expires_in=st.none() | st.integers(-5, 60),
        days=st.integers(0, 30) | st.sampled_from([0, 0, 180, 730]),
        mailbox=st.booleans() | st.just(False),
        country=st.sampled_from([None] * 6 + ["FR", "DE", "IT", "ES", "GB", "CA", "US", "CH", ""]),
    ),
    min_size=1,
    max_size=12,
)


def _lists(name: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(PROFILES[name].floors), min_size=1, unique=True)


names = st.sampled_from(list(PROFILES))
worlds = st.builds(
    World,
    profile=names,
    later=st.none() | names,
    accepts=st.lists(names, max_size=3, unique=True).flatmap(
        lambda some: st.fixed_dictionaries({n: _lists(n) for n in some})
    ),
).map(lambda world: world if world.later else replace(world, later=world.profile))


def live(session: Session, contact_id: int, topic_id: int, brand_id: int, story: list[Step]) -> timedelta:
    """Try every step, at its time; return how long it took."""
    began = clock.now()
    elapsed = timedelta()
    for number, step in enumerate(story):
        elapsed += timedelta(days=step.days)
        clock.shift(began - datetime.now(UTC) + elapsed)
        if step.mailbox:
            change_address(session, contact_id, f"p{contact_id}-{number}@example.com")
            append(session, contact_id, Entry(Subject.CONTACT, Action.CORRECT, Actor.STAFF))
        if step.country is not None:
            edit(session, contact_id, {"country": step.country})
        with suppress(NotAllowed, InvalidInput):
            append(session, contact_id, entry_of(step, topic_id, brand_id))
    clock.shift(timedelta())
    return elapsed


def entry_of(step: Step, topic_id: int, brand_id: int) -> Entry:
    """Return what a step tries to write."""
    said = make.stated(step.basis or Basis.CONSENT)
    return Entry(
        step.subject,
        step.action,
        step.actor,
        topic_id=topic_id if step.subject is Subject.TOPIC else None,
        brand_id=brand_id if step.subject in (Subject.TRACKING, Subject.BRAND) else None,
        level=step.level,
        basis=step.basis,
        at=None if step.ago is None else clock.now() - timedelta(days=step.ago),
        expires_at=None if step.expires_in is None else clock.now() + timedelta(days=step.expires_in),
        evidence=dict(list(said.items())[: len(said) - step.lacks]),
    )


def check_histories(session: Session, stories: list[list[Step]], world: World) -> None:
    """Let people live through a history each; compare what Python decides from the ledger with what SQL says of all."""
    brand = make.make_brand(session, profile=world.profile)
    topic_id = make.make_topic(session, brand, accepts=world.accepts)
    people = [make.make_contact(session) for _ in stories]
    try:
        lived = [live(session, one, topic_id, brand, story) for one, story in zip(people, stories, strict=True)]
        clock.shift(max(lived))
        session.execute(text("UPDATE brand SET profile = :p WHERE id = :id"), {"p": world.later, "id": brand})
        now = clock.now()
        topic = topics.topic(session, topic_id)
        table = contact_table()
        asked = select(table.c.id.label("contact_id")).where(table.c.id.in_(people))
        rows = {row.contact_id: row for row in session.execute(gates(topic_id, brand, now, asked)).all()}
        for one in people:
            person, row = contact(session, one), rows[one]
            history = permissions.history(session, one)
            decided = decide(history, topic.terms, world.later, now, person.address_key, person.country)
            assert row.gate == decided.gate
            if decided.event_id is not None:
                assert row.event_id == decided.event_id
            assert permissions.of_contact(session, one).get(topic_id, Standing()) == decided.standing
            for act in history:
                if act.state is State.GRANTED and act.subject is Subject.TOPIC and GROUNDS[act.basis].months:
                    assert act.expires_at <= ends(act.basis, act.at)
        first = deciding(verdicts(session, people[0], topic_id, brand, now))
        assert (first.gate if first else None) == rows[people[0]].gate
        assert verify(session).broken is None
    finally:
        clock.shift(timedelta())


@hypothesis_settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories=st.lists(steps, min_size=1, max_size=2), world=worlds)
def test_decisions_from_the_ledger_equal_the_gates_in_sql(
    session: Session, stories: list[list[Step]], world: World
) -> None:
    with session.begin_nested() as savepoint:
        check_histories(session, stories, world)
        savepoint.rollback()
    session.expire_all()


def test_only_the_person_lifts_a_withdrawal(session: Session) -> None:
    topic = make.make_topic(session)
    one = make.permitted_contact(session, topic)
    make.act(session, one, Action.WITHDRAW, topic_id=topic)
    for actor in (Actor.STAFF, Actor.IMPORT, Actor.SYSTEM):
        with pytest.raises(NotAllowed, match="Only the person"):
            make.grant(session, one, topic, actor=actor)
    make.act(session, one, Action.REQUEST, topic_id=topic)
    assert permissions.of_contact(session, one)[topic].state is State.WITHDRAWN  # anybody can type an address
    make.grant(session, one, topic)
    assert permissions.of_contact(session, one)[topic].state is State.GRANTED


@pytest.mark.parametrize(
    "entry",
    [
        Entry(Subject.TOPIC, Action.OBJECT, Actor.STAFF, topic_id=1),
        Entry(Subject.TOPIC, Action.WITHDRAW, Actor.STAFF),
        Entry(Subject.TRACKING, Action.WITHDRAW, Actor.STAFF),
        Entry(Subject.TOPIC, Action.GRANT, Actor.STAFF, topic_id=1),
        Entry(Subject.TRACKING, Action.GRANT, Actor.STAFF, brand_id=1, level=Level.OPT_OUT, basis=Basis.SOFT_OPT_IN),
        Entry(Subject.TOPIC, Action.GRANT, Actor.STAFF, topic_id=1, level=Level.OPT_OUT, basis=Basis.SOFT_OPT_IN),
    ],
)
def test_entries_that_do_not_hang_together_are_refused(session: Session, entry: Entry) -> None:
    with pytest.raises(InvalidInput):
        append(session, make.make_contact(session), entry)
