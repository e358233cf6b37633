"""Data subjects' requests: the clock, the states, the acts that do the real thing, and what is forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from dateutil.relativedelta import relativedelta
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.accounts.policy import Role
from app.core import clock as core_clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import contact
from app.customers.services.contacts import change_address
from consent.errors import NotAllowed
from consent.policy.deadlines import due, extended_due
from consent.policy.requests import (
    OPEN_STATES,
    TRANSITIONS,
    Channel,
    Extension,
    Kind,
    Proof,
    Refusal,
    State,
    Step,
    allows,
    follow,
)
from consent.policy.standing import Actor
from consent.queries import requests, suppressions
from consent.queries.verify import verify
from consent.services.ageing import purge
from consent.services.erase import erase
from consent.services.requests import acting, filing, steps
from consent.services.requests.filing import Asked, Details
from consent.tasks import requests as tasks
from tests.conftest import Clock
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

ADA = Details("Ada Lovelace", "ada@example.com", "+44 20 7946 0000", "12 St James's Square, London", "", "Please.")


def ask(session: Session, kind: Kind = Kind.ACCESS, **given_: object) -> int:
    return filing.file(session, Asked(kind, Channel.LETTER, ADA, **given_), staff_id=1)


def verified(session: Session, kind: Kind, contact_id: int) -> int:
    request_id = ask(session, kind, contact_id=contact_id)
    steps.verify(session, request_id, Proof.CALLED_BACK, "on the number of her last order", staff_id=1)
    return request_id


# The clock


@pytest.mark.parametrize(
    ("received", "answered", "extended"),
    [
        (date(2026, 3, 5), date(2026, 4, 6), date(2026, 6, 5)),  # 5 April 2026 is a Sunday
        (date(2026, 1, 31), date(2026, 3, 2), date(2026, 4, 30)),  # no 31 February; the 28th is a Saturday
        (date(2028, 1, 31), date(2028, 2, 29), date(2028, 5, 1)),  # a leap year; 30 April 2028 is a Sunday
        (date(2025, 8, 31), date(2025, 9, 30), date(2025, 12, 1)),  # 30 November 2025 is a Sunday
        (date(2026, 11, 30), date(2026, 12, 30), date(2027, 3, 1)),  # 28 February 2027 is a Sunday
        (date(2026, 12, 15), date(2027, 1, 15), date(2027, 3, 15)),  # over the new year
    ],
)
def test_row_74_a_month_is_a_calendar_month_and_ends_on_a_working_day(
    received: date, answered: date, extended: date
) -> None:
    assert due(received) == answered
    assert extended_due(received) == extended


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_row_74_the_period_is_never_longer_than_the_law_allows(received: date) -> None:
    for last, months in ((due(received), 1), (extended_due(received), 3)):
        by_law = received + relativedelta(months=months)
        assert by_law <= last <= by_law + timedelta(days=2) and last.weekday() < 5
        assert last == by_law or by_law.weekday() >= 5


def test_row_74_the_day_counts_in_the_controllers_time_zone(session: Session, clock: Clock) -> None:
    make.make_brand(session, time_zone="Pacific/Auckland")
    clock.to(datetime(2026, 3, 4, 23, 0, tzinfo=UTC))  # the 5th in Auckland
    assert requests.request(session, ask(session)).due_on == date(2026, 4, 6)


# The states


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_step_in_every_state_is_decided(state: State, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert allows(state, step) and follow(state, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(NotAllowed):
            follow(state, step)


def test_what_is_done_in_somebodys_name_needs_their_identity() -> None:
    for step in (Step.EXPORTED, Step.OBJECTED, Step.CORRECTED, Step.ERASED, Step.COMPLETED):
        assert not allows(State.RECEIVED, step)


def test_an_end_is_an_end() -> None:
    for state in set(State) - set(OPEN_STATES):
        assert {step for step in Step if allows(state, step)} == {Step.PURGED}


@given(st.lists(st.sampled_from(list(Step))))
def test_no_way_leads_to_done_without_verification_but_erasure(taken: list[Step]) -> None:
    state, passed = State.RECEIVED, []
    for step in taken:
        if allows(state, step):
            state = follow(state, step)
            passed.append(step)
    if state is State.DONE:
        assert Step.VERIFIED in passed or Step.OVERTAKEN in passed


# What staff do


def test_row_74_two_more_months_need_a_reason_told_within_the_first(session: Session, clock: Clock) -> None:
    clock.to(datetime(2026, 3, 5, 12, tzinfo=UTC))
    request_id = ask(session)
    with pytest.raises(InvalidInput):
        steps.extend(session, request_id, Extension.COMPLEX, date(2026, 3, 4), "", staff_id=1)
    clock.to(datetime(2026, 4, 6, 12, tzinfo=UTC))
    steps.extend(session, request_id, Extension.COMPLEX, date(2026, 4, 5), "letter", staff_id=1)
    found = requests.request(session, request_id)
    assert (found.due_on, found.extended_why, found.told_on) == (date(2026, 6, 5), Extension.COMPLEX, date(2026, 4, 5))
    with pytest.raises(NotAllowed):
        steps.extend(session, request_id, Extension.MANY, date(2026, 4, 6), "", staff_id=1)


def test_row_74_after_the_first_month_nothing_is_extended(session: Session, clock: Clock) -> None:
    clock.to(datetime(2026, 3, 5, 12, tzinfo=UTC))
    request_id = ask(session)
    clock.to(datetime(2026, 4, 7, 12, tzinfo=UTC))
    assert requests.request(session, request_id).overdue
    with pytest.raises(NotAllowed):
        steps.extend(session, request_id, Extension.COMPLEX, date(2026, 4, 6), "", staff_id=1)


def test_only_an_objection_goes_without_identity(session: Session) -> None:
    with pytest.raises(InvalidInput):
        steps.verify(session, ask(session, Kind.ERASURE), Proof.HARMLESS, "", staff_id=1)
    steps.verify(session, ask(session, Kind.OBJECTION), Proof.HARMLESS, "", staff_id=1)


def test_a_refusal_must_have_been_told(session: Session) -> None:
    request_id = ask(session)
    with pytest.raises(InvalidInput):
        steps.refuse(session, request_id, Refusal.EXCESSIVE, "", told=False, staff_id=1)
    steps.refuse(session, request_id, Refusal.EXCESSIVE, "third time this week", told=True, staff_id=1)
    assert requests.request(session, request_id).state is State.REFUSED


def test_the_objection_of_a_request_is_a_real_one(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    acting.record_objection(session, verified(session, Kind.OBJECTION, person), staff_id=1)
    assert contact(session, person).objected_at is not None


def test_a_changed_address_is_noted_in_the_request_for_it(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        person = make.make_contact(session, "ada@example.com")
        request_id = verified(session, Kind.CORRECTION, person)
        change_address(session, person, "ada@example.org")
        assert requests.steps(session, request_id)[-1].step is Step.CORRECTED


def test_row_74_a_record_proves_what_was_done_and_when(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    request_id = verified(session, Kind.ACCESS, person)
    contact_id, made = acting.export(session, request_id, staff_id=1)
    assert contact_id == person and made["contact"]["email"] == "ada@example.com"  # type: ignore[index]
    steps.complete(session, request_id, "sent by letter", staff_id=1)
    record = json.loads(json.dumps(requests.record(session, request_id)))
    assert record["in_time"] is True and record["outcome"] == "sent by letter"
    assert [line["step"] for line in record["steps"]] == ["received", "verified", "exported", "completed"]


# Erasing and forgetting


def test_row_41_erasing_by_request_empties_and_closes_it(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    request_id, other = verified(session, Kind.ERASURE, person), ask(session, Kind.ACCESS)
    with pytest.raises(InvalidInput):
        acting.carry_out_erasure(session, request_id, " ", staff_id=1)
    acting.carry_out_erasure(session, request_id, "told by phone", staff_id=1)
    for number, last in ((request_id, Step.ERASED), (other, Step.OVERTAKEN)):
        found = requests.request(session, number)
        assert found.state is State.DONE and found.purged_at
        assert not any((found.name, found.email, found.phone, found.postal, found.wish, found.verified_note))
        assert [line.step for line in requests.steps(session, number)][-2:] == [last, Step.PURGED]
        assert not any(line.note for line in requests.steps(session, number))
    assert verify(session).broken is None


def test_a_request_that_is_not_verified_erases_nobody(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    request_id = ask(session, Kind.ERASURE, contact_id=person)
    with pytest.raises(NotAllowed):
        acting.carry_out_erasure(session, request_id, "told", staff_id=1)
    assert contact(session, person).erased_at is None


def test_erasing_elsewhere_closes_what_is_open(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    request_id = ask(session, Kind.ACCESS, contact_id=person)
    erase(session, person, actor=Actor.SUBSCRIBER)
    assert requests.request(session, request_id).state is State.DONE


def test_row_74_what_is_personal_goes_three_years_after_the_end(client: FlaskClient, clock: Clock) -> None:
    with unit_of_work() as session:
        closed, waiting = ask(session), ask(session)
        steps.refuse(session, closed, Refusal.NO_DATA, "told Ada", told=True, staff_id=1)
    clock.forward(timedelta(days=3 * 365 - 5))
    tasks.purge.function()
    with unit_of_work() as session:
        assert requests.request(session, closed).name == "Ada Lovelace"
    clock.forward(timedelta(days=10))
    tasks.purge.function()
    with unit_of_work() as session:
        found = requests.request(session, closed)
        assert (found.name, found.outcome_note, found.state) == ("", "", State.REFUSED) and found.purged_at
        assert requests.request(session, waiting).name == "Ada Lovelace"


# Reminders


def test_row_74_administrators_and_the_contact_are_reminded_once(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, clock: Clock, run_jobs: Callable[[], int]
) -> None:
    make_staff()
    make_staff(Role.ADMINISTRATOR, email="chef@example.com", language="fr")
    make_staff(Role.MARKETER)
    clock.to(datetime(2026, 3, 5, 12, tzinfo=UTC))
    with unit_of_work() as session:
        ask(session)
    for day, mails in ((31, 0), (32, 3), (33, 3)):  # due on 6 April
        clock.to(datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=day - 1))
        tasks.remind.function()
        run_jobs()
        assert len(mailbox.mails) == mails
    assert {mail["To"] for mail in mailbox.mails} == {
        "administrator@example.com",
        "chef@example.com",
        "dpo@example.com",
    }
    text = "".join(str(mail) for mail in mailbox.mails)
    assert "Ada" not in text and "/requests/1" in text


# The pages


@pytest.fixture
def staff(client: FlaskClient, stage: Stage) -> FlaskClient:
    make_staff()
    sign_in(client)
    return client


def test_a_request_by_letter_goes_its_whole_way(staff: FlaskClient) -> None:
    with unit_of_work() as session:
        person = make.make_contact(session, "ada@example.com", first_name="Ada")
    sent = staff.post("/requests/new", data={
        "kind": "access", "channel": "letter", "received_on": core_clock.now().date().isoformat(),
        "name": "Ada Lovelace", "email": "ADA@example.com", "language": "en", "wish": "All you have on me",
    })  # fmt: skip
    path = sent.location
    page = staff.get(path).get_data(as_text=True)
    assert "It is this person" in page and "Download all data" not in page
    for act, data in (
        ("identify", {"contact": person}),
        ("verify", {"how": "called_back", "note": "She knew her last order"}),
        ("note", {"note": "Asked for the data as a file"}),
    ):
        assert staff.post(f"{path}/{act}", data=data).status_code == 302
    assert "Download all data" in staff.get(path).get_data(as_text=True)
    export = staff.post(f"{path}/export")
    assert export.get_json()["contact"]["email"] == "ada@example.com"
    staff.post(f"{path}/complete", data={"outcome": "File sent by letter"})
    record = staff.get(f"{path}/record").get_data(as_text=True)
    assert "File sent by letter" in record and "Asked for the data as a file" in record
    assert staff.get(f"{path}/record.json").get_json()["state"] == "done"
    assert "Access to their data" in staff.get("/requests?closed=1").get_data(as_text=True)
    assert "Request: Access to their data" in staff.get(f"/contacts/{person}").get_data(as_text=True)


def test_late_requests_stand_first_and_say_so_in_words(staff: FlaskClient, clock: Clock) -> None:
    clock.forward(timedelta(days=-60))
    with unit_of_work() as session:
        ask(session)
    clock.forward(timedelta(days=60))
    with unit_of_work() as session:
        ask(session, Kind.ERASURE)
    page = staff.get("/requests").get_data(as_text=True)
    assert re.search(r"\d+ days late", page)
    assert page.index("Access to their data") < page.index("Erasure")
    assert "1 is late" in staff.get("/").get_data(as_text=True)


def test_what_cannot_be_done_is_said_and_nothing_happens(staff: FlaskClient) -> None:
    with unit_of_work() as session:
        request_id = ask(session)
    for act in ("export", "erase", "complete", "object"):
        answer = staff.post(f"/requests/{request_id}/{act}", data={"outcome": "x"}, follow_redirects=True)
        assert re.search("First (verify who asks|say whose data)", answer.get_data(as_text=True)), act
    for act, data in (("verify", {"how": "magic"}), ("extend", {"why": "complex", "told_on": "soon"})):
        assert staff.post(f"/requests/{request_id}/{act}", data=data, follow_redirects=True).status_code == 200
    with unit_of_work() as session:
        assert [line.step for line in requests.steps(session, request_id)] == [Step.RECEIVED]


def test_a_marketer_erases_nobody(client: FlaskClient, stage: Stage) -> None:
    make_staff(Role.MARKETER)
    sign_in(client, "marketer@example.com")
    with unit_of_work() as session:
        request_id = verified(session, Kind.ERASURE, make.make_contact(session, "ada@example.com"))
    assert client.post(f"/requests/{request_id}/erase", data={"outcome": "told"}).status_code == 403


def test_who_erases_themselves_leaves_a_record_of_it(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    erase(session, person, actor=Actor.SUBSCRIBER)
    [found] = requests.of_contact(session, person)
    assert (found.kind, found.state, found.verified_how) == (Kind.ERASURE, State.DONE, Proof.MAILBOX)
    assert requests.record(session, found.id)["in_time"] is True


def test_nobody_is_purged_who_waits_for_an_answer(session: Session, clock: Clock) -> None:
    waiting, silent = make.make_contact(session, "ada@example.com"), make.make_contact(session, "eve@example.com")
    clock.forward(timedelta(days=1100))
    ask(session, contact_id=waiting)
    due_ = set(session.scalars(purge.prospects(core_clock.now(), 36)))
    assert silent in due_ and waiting not in due_


def test_a_restriction_keeps_the_data_and_stops_the_mail(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com", first_name="Ada")
    acting.restrict(session, verified(session, Kind.RESTRICTION, person), staff_id=1)
    found = contact(session, person)
    assert found.first_name == "Ada" and found.address_key
    assert suppressions.active_reasons(session, found.address_key) == {"manual"}


def test_who_is_found_after_the_verification_is_noted_once(session: Session) -> None:
    ada, eve = make.make_contact(session, "ada@example.com"), make.make_contact(session, "eve@example.com")
    request_id = ask(session)
    steps.verify(session, request_id, Proof.DOCUMENT, "", staff_id=1)
    steps.identify(session, request_id, ada, staff_id=1)
    with pytest.raises(NotAllowed):
        steps.identify(session, request_id, eve, staff_id=1)


def test_what_a_person_gets_names_no_colleague(session: Session) -> None:
    person = make.make_contact(session, "ada@example.com")
    steps.complete(session, verified(session, Kind.ACCESS, person), "told", staff_id=1)
    [held] = requests.held(session, person)
    assert held["outcome"] == "told" and "by" not in json.dumps(held["steps"]) and held["closed_by"] is None
