"""What time does: purge after the legal time, and upkeep that shows whom it would touch, can stop and can die."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import Engine, literal, select, text
from sqlalchemy.orm import Session

from app.accounts.policy import Role
from app.core import clock as now
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput
from app.customers.queries.contacts import by_address, contact
from consent.commands import COMMANDS
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor
from consent.queries import gates, permissions, upkeep, verify
from consent.services import ageing
from consent.services.ageing import purge, running
from consent.services.objections import object_to_marketing
from consent.services.withdraw import withdraw
from consent.tasks.ageing import run
from tests.conftest import Clock
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in


@pytest.fixture(autouse=True)
def offered() -> None:
    ageing.register()


def due(session: Session, months: int = 36) -> list[int]:
    return sorted(session.scalars(purge.prospects(now.now(), months)))


def behaved(session: Session, contact_id: int, what: str) -> None:
    """Let the fold have seen something of a person just now."""
    session.execute(
        text(f"INSERT INTO contact_profile (contact_id, {what}) VALUES (:id, :at)"), {"id": contact_id, "at": now.now()}
    )


def gate(session: Session, contact_id: int, topic: int) -> str | None:
    brand = session.scalar(text("SELECT brand_id FROM topic WHERE id = :id"), {"id": topic})
    one = select(literal(contact_id).label("contact_id"))
    return session.execute(gates.gates(topic, brand, now.now(), one)).one().gate


def test_row_50_prospects_are_purged_three_years_after_their_last_act(session: Session, clock: Clock) -> None:
    """CNIL: a click, an order, a sign-up or a changed preference is an act, an open is none."""
    topic = make.make_topic(session)
    silent, opens, clicks, buys, chooses = (make.permitted_contact(session, topic) for _ in range(5))
    clock.forward(timedelta(days=365))
    behaved(session, opens, "opened_at")
    behaved(session, clicks, "clicked_at")
    behaved(session, buys, "ordered_at")
    make.act(session, chooses, Action.WITHDRAW, topic_id=topic)
    clock.forward(timedelta(days=2 * 365 - 10))
    assert due(session) == []
    clock.forward(timedelta(days=12))
    assert due(session) == [silent, opens]
    clock.forward(timedelta(days=365))
    assert due(session) == [silent, opens, clicks, chooses]
    assert list(session.scalars(purge.customers(now.now(), 120))) == []
    assert list(session.scalars(purge.customers(now.now(), 36))) == [buys]


def test_what_an_import_states_counts_from_when_it_happened(session: Session) -> None:
    topic = make.make_topic(session)
    old, recent = make.make_contact(session), make.make_contact(session)
    for person, years in ((old, 4), (recent, 1)):
        make.grant(session, person, topic, actor=Actor.IMPORT, at=now.now() - timedelta(days=365 * years))
    assert due(session) == [old]


def test_a_purge_forgets_all_but_what_was_refused(session: Session, clock: Clock) -> None:
    news, offers = make.make_topic(session), make.make_topic(session)
    faithful, left, objector = (make.permitted_contact(session, news, f"{n}@example.com") for n in ("a", "b", "c"))
    withdraw(session, left, [news], actor=Actor.SUBSCRIBER)
    object_to_marketing(session, objector, actor=Actor.SUBSCRIBER)
    clock.forward(timedelta(days=365 * 4))
    purge.purge(session, due(session))
    assert all(contact(session, each).email is None for each in (faithful, left, objector))
    assert verify.verify(session).broken is None
    assert session.scalar(text("SELECT count(*) FROM permission_evidence")) == 0
    # Who comes back by an import or a list is simply new, but for what they refused.
    again = {n: make.permitted_contact(session, news, f"{n}@example.com") for n in "abc"}
    make.grant(session, again["b"], offers)
    assert [gate(session, again[n], news) for n in "abc"] == [None, "suppressed", "suppressed"]
    assert gate(session, again["b"], offers) is None


def test_an_upkeep_is_off_until_its_dry_run_was_seen(session: Session, clock: Clock) -> None:
    make.permitted_contact(session, make.make_topic(session))
    clock.forward(timedelta(days=365 * 4))
    prospects = running.find("prospects")
    with pytest.raises(Conflict):
        running.start(session, prospects)
    assert "prospects" not in running.start_due(session)
    with pytest.raises(Conflict):
        running.switch(session, prospects, True, seen_months=12)
    with pytest.raises(InvalidInput):
        running.switch(session, running.find("expire"), False, seen_months=0)
    running.switch(session, prospects, True, seen_months=36)
    assert running.start_due(session) == ["prospects"] and running.start_due(session) == []
    running.set_months(session, prospects, 24)
    assert not running.is_on(session, prospects)


def _begin() -> int:
    with unit_of_work() as session:
        running.switch(session, running.find("prospects"), True, seen_months=36)
        return running.start(session, running.find("prospects"))


def test_a_run_that_died_goes_on_and_does_nothing_twice(
    db: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    clock.forward(timedelta(days=365 * 4))
    run_id = _begin()
    with unit_of_work() as session:
        running.stop(session, run_id)
        assert running.step(session, run_id) is False and upkeep.run(session, run_id).status == "stopped"
    clock.forward(-timedelta(days=365 * 4))
    with unit_of_work() as session:
        topic = make.make_topic(session)
        people = [make.permitted_contact(session, topic) for _ in range(5)]
    clock.forward(timedelta(days=365 * 4))
    with unit_of_work() as session:
        run_id = running.start(session, running.find("prospects"))
        with pytest.raises(Conflict):
            running.start(session, running.find("prospects"))
    with unit_of_work() as session:
        running.step(session, run_id)
    with pytest.raises(ZeroDivisionError), unit_of_work() as session:
        running.step(session, run_id)
        raise ZeroDivisionError  # the process dies before its commit
    run.function(run_id)
    run.function(run_id)
    with unit_of_work() as session:
        ended = upkeep.run(session, run_id)
        assert (ended.status, ended.done, ended.total) == ("done", 5, 5)
        erasures = [e.act.action for each in people for e in permissions.entries(session, each)].count(Action.ERASE)
        assert erasures == 5


def test_who_acts_while_a_run_looks_is_not_purged(db: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    with unit_of_work() as session:
        topic = make.make_topic(session)
        person = make.permitted_contact(session, topic, "ada@example.com")
    clock.forward(timedelta(days=365 * 4))
    run_id = _begin()
    asked = running._still_due

    def acted(session: Session, of: ageing.Upkeep, ids: list[int]) -> list[int]:
        with unit_of_work() as other:
            make.act(other, person, Action.WITHDRAW, topic_id=topic)
        return asked(session, of, ids)

    monkeypatch.setattr(running, "_still_due", acted)
    run.function(run_id)
    with unit_of_work() as session:
        assert contact(session, person).email == "ada@example.com" and upkeep.run(session, run_id).done == 0
        assert permissions.of_contact(session, person)[topic].state is State.WITHDRAWN


def age(*arguments: str) -> object:
    result = CliRunner().invoke(COMMANDS[0], ["age", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_the_command_shows_and_does(db: Engine, clock: Clock) -> None:
    with unit_of_work() as session:
        topic = make.make_topic(session)
        one = make.permitted_contact(session, topic, "ada@example.com")
        lapsing = make.make_contact(session)
        make.grant(session, lapsing, topic, expires_at=now.now() + timedelta(days=1))
    clock.forward(timedelta(days=365 * 4))
    shown = {line["job"]: line for line in age("--dry-run")}  # type: ignore[attr-defined]
    assert shown["prospects"] == {
        "job": "prospects", "on": False, "months": 36, "people": 2, "sample": [one, lapsing]
    }  # fmt: skip
    assert shown["expire"]["people"] == 1
    assert {line["job"] for line in age()} == {"expire", "sign_ups", "silence"}  # type: ignore[attr-defined]
    assert age("--job", "prospects", "--switch", "on")["on"] is True  # type: ignore[index]
    done = age("--job", "prospects")
    assert (done["status"], done["done"]) == ("done", 2)  # type: ignore[index]
    with unit_of_work() as session:
        assert by_address(session, "ada@example.com") is None


def test_the_page_shows_a_dry_run_and_only_administrators_switch(client: FlaskClient, clock: Clock) -> None:
    with unit_of_work() as session:
        one = make.permitted_contact(session, make.make_topic(session), "ada@example.com")
    make_staff()
    make_staff(Role.MARKETER)
    clock.forward(timedelta(days=365 * 4))
    sign_in(client, "marketer@example.com")
    assert client.post("/ageing/prospects/switch", data={"on": "1", "seen": "36"}).status_code == 403
    page = client.get("/ageing/prospects").text
    assert "a•••@e•••.com" in page and f"/contacts/{one}" in page and "ada@example.com" not in page
    sign_in(client)
    assert client.post("/ageing/prospects/months", data={"months": "0"}, follow_redirects=True).text.count("600 months")
    client.post("/ageing/prospects/switch", data={"on": "1", "seen": "36"})
    assert client.post("/ageing/prospects/run").status_code == 302
    assert "waiting for a worker" in client.get("/ageing/prospects").text
    assert "person would be touched now" in client.get("/ageing/prospects/count").text
    assert client.get("/ageing").status_code == 200 and client.get("/ageing/nothing").status_code == 404
