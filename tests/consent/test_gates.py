"""The gates in SQL, one after the other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.queries.contacts import contact_table
from app.customers.services.contacts import change_address, erase
from consent.models import Suppression
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.queries.gates import GATES, gates
from consent.services.ledger import Entry, append
from tests.factories import consent as make


def gate_of(session: Session, contact_id: int, topic_id: int, brand_id: int) -> object:
    table = contact_table()
    people = select(table.c.id.label("contact_id")).where(table.c.id == contact_id)
    return session.execute(gates(topic_id, brand_id, clock.now(), people)).one()


def test_each_gate_is_asked_in_its_order(session: Session) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    one = make.make_contact(session, "ada@example.com")
    assert gate_of(session, one, topic, brand).gate == "no_permission"
    make.act(session, one, Action.REQUEST, topic_id=topic)
    assert gate_of(session, one, topic, brand).gate == "permission_pending"
    entry = make.grant(session, one, topic)
    found = gate_of(session, one, topic, brand)
    assert (found.gate, found.event_id, found.tracked) == (None, entry, False)
    make.track(session, one, brand)
    assert gate_of(session, one, topic, brand).tracked is True
    change_address(session, one, "ada@example.org")
    assert gate_of(session, one, topic, brand).gate == "address_changed"
    entry = make.act(session, one, Action.WITHDRAW, topic_id=topic)
    assert (gate_of(session, one, topic, brand).gate, gate_of(session, one, topic, brand).event_id) == (
        "permission_withdrawn",
        entry,
    )
    entry = append(session, one, Entry(Subject.MARKETING, Action.OBJECT, Actor.SUBSCRIBER))
    assert gate_of(session, one, topic, brand).gate == "objected"
    entry = append(session, one, Entry(Subject.MARKETING, Action.COMPLAIN, Actor.SYSTEM))
    assert (gate_of(session, one, topic, brand).gate, gate_of(session, one, topic, brand).event_id) == (
        "complained",
        entry,
    )
    key = session.execute(select(contact_table().c.address_key).where(contact_table().c.id == one)).scalar_one()
    session.add(Suppression(kind="address", address_key=key, reason="hard_bounce"))
    session.flush()
    assert gate_of(session, one, topic, brand).gate == "suppressed"
    erase(session, one)
    assert gate_of(session, one, topic, brand).gate == "erased"


def test_a_permission_past_its_time_is_shut_before_anything_writes_it_down(session: Session) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    one = make.make_contact(session)
    make.grant(session, one, topic, expires_at=clock.now() - timedelta(seconds=1))
    assert gate_of(session, one, topic, brand).gate == "permission_expired"


@pytest.mark.parametrize(
    ("accepts", "basis", "level", "gate"),
    [
        (None, Basis.CONSENT, Level.OPT_IN, "permission_too_weak"),
        (None, Basis.CONSENT, Level.CONFIRMED, None),
        (None, Basis.SOFT_OPT_IN, Level.OPT_OUT, None),
        (None, Basis.B2B_INTEREST, Level.CONFIRMED, "permission_too_weak"),
        ({"eu": ["consent@opt_in"]}, Basis.CONSENT, Level.OPT_IN, None),
        ({"eu": ["consent@opt_in"]}, Basis.CONSENT, Level.CONFIRMED, None),
        ({"eu": ["consent@opt_in"]}, Basis.CONSENT, Level.PASSIVE, "permission_too_weak"),
        ({"eu": ["consent@opt_in"]}, Basis.SOFT_OPT_IN, Level.OPT_OUT, "permission_too_weak"),
    ],
)
def test_a_topic_takes_only_the_pairs_it_accepts(
    session: Session, accepts: dict[str, list[str]] | None, basis: Basis, level: Level, gate: str | None
) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand, accepts=accepts)
    one = make.make_contact(session)
    make.grant(session, one, topic, level=level, basis=basis, actor=Actor.STAFF)
    assert gate_of(session, one, topic, brand).gate == gate


def test_row_45_soft_opt_in_never_permits_tracking(session: Session) -> None:
    brand = make.make_brand(session, profile="us", tracking_default=True)
    topic = make.make_topic(session, brand)
    soft, clear = make.make_contact(session), make.permitted_contact(session, topic)
    make.grant(session, soft, topic, level=Level.OPT_OUT, basis=Basis.SOFT_OPT_IN, actor=Actor.STAFF)
    assert gate_of(session, soft, topic, brand).tracked is False
    assert gate_of(session, clear, topic, brand).tracked is True


@pytest.mark.parametrize(
    ("kind", "value", "shut"),
    [
        ("domain", "example.com", True),
        ("domain", "example.org", False),
        ("pattern", "info@%", False),
        ("pattern", "%@example.com", True),
    ],
)
def test_rules_for_domains_and_patterns_suppress(session: Session, kind: str, value: str, shut: bool) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    one = make.permitted_contact(session, topic, "sales@example.com")
    session.add(Suppression(kind=kind, value=value, reason="manual"))
    session.flush()
    assert gate_of(session, one, topic, brand).gate == ("suppressed" if shut else None)


def test_every_gate_has_words_for_people() -> None:
    assert len(dict(GATES)) == len(GATES) == 13
