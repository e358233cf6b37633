"""May we write to this person? Every gate in order, and the entry behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.services.contacts import change_address
from consent.policy.standing import Action, Actor, Subject
from consent.queries.gates import GATES, conditions
from consent.queries.verdicts import GateVerdict, Verdict, deciding, told, verdicts
from consent.services.ledger import Entry, append
from consent.services.suppress import suppress_address
from tests.factories import consent as make


def asked(session: Session, contact_id: int, topic: int, brand: int) -> dict[str, GateVerdict]:
    return {found.gate: found for found in verdicts(session, contact_id, topic, brand, clock.now())}


def shut(found: dict[str, GateVerdict]) -> dict[str, int | None]:
    return {name: gate.event_id for name, gate in found.items() if gate.verdict is Verdict.SHUT}


def test_the_conditions_are_in_the_order_of_the_gates(session: Session) -> None:
    assert [gate for gate, _ in conditions(1, 1, clock.now())] == [gate for gate, _ in GATES]


def test_each_gate_names_the_entry_that_decides_it(session: Session) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    one = make.make_contact(session, "ada@example.com")
    assert shut(asked(session, one, topic, brand)) == {"no_permission": None}
    granted = make.grant(session, one, topic)
    found = asked(session, one, topic, brand)
    assert shut(found) == {} and found["address_changed"].event_id == granted  # what lets through
    assert {gate.verdict for gate in found.values()} == {Verdict.PASSED}
    change_address(session, one, "ada@example.org")
    assert shut(asked(session, one, topic, brand)) == {"address_changed": granted}
    objected = append(session, one, Entry(Subject.MARKETING, Action.OBJECT, Actor.SUBSCRIBER))
    withdrawn = make.act(session, one, Action.WITHDRAW, topic_id=topic)
    suppress_address(session, email_key="ada@example.org", reason="hard_bounce")
    found = asked(session, one, topic, brand)
    assert shut(found) == {"suppressed": None, "objected": objected, "permission_withdrawn": withdrawn}
    assert found["permission_too_weak"].verdict is Verdict.NOT_ASKED
    first = deciding(tuple(found.values()))
    assert first is not None and first.gate == "suppressed"


def test_a_pause_is_decided_by_its_own_entry(session: Session) -> None:
    topic = make.make_topic(session, brand := make.make_brand(session))
    one = make.permitted_contact(session, topic)
    pause = Entry(Subject.BRAND, Action.PAUSE, Actor.SUBSCRIBER, brand_id=brand, expires_at=clock.now() + timedelta(7))
    paused = append(session, one, pause)
    assert shut(asked(session, one, topic, brand)) == {"paused": paused}
    stored = {gate.gate: gate.event_id for gate in told("paused", paused)}
    assert stored["paused"] == paused and stored["no_permission"] is None


def test_a_term_that_has_passed_is_decided_by_the_entry_that_set_it(session: Session) -> None:
    topic = make.make_topic(session, brand := make.make_brand(session))
    one = make.make_contact(session)
    granted = make.grant(session, one, topic, expires_at=clock.now() - timedelta(seconds=1))
    assert shut(asked(session, one, topic, brand)) == {"permission_expired": granted}


@pytest.mark.parametrize("gate", [None, *(gate for gate, _ in GATES)])
def test_a_stored_decision_is_told_up_to_its_gate(gate: str | None) -> None:
    found = told(gate, 7)
    said = [step.verdict for step in found]
    at = [step.gate for step in found].index(gate) if gate else len(found)
    assert set(said[:at]) <= {Verdict.PASSED} and set(said[at + 1 :]) <= {Verdict.NOT_ASKED}
    if gate is not None:
        assert said[at] is Verdict.SHUT and found[at].event_id == (None if gate in ("no_address", "suppressed") else 7)
