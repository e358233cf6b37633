"""Two contacts who are one person: what either refused covers both, and undoing a merge leaves no trace in a gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from app.customers.policy.merging import Side
from app.customers.queries.contacts import contact, contact_table
from app.customers.queries.merging import folded, head, person
from app.customers.services import merging
from app.customers.services.contacts import edit, set_tags
from consent.errors import NotAllowed
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions, proof
from consent.queries.gates import gates
from consent.queries.verdicts import deciding, verdicts
from consent.queries.verify import verify
from consent.services.erase import erase
from consent.services.ledger import Entry, append
from consent.services.suppress import suppress_address
from consent.services.withdraw import withdraw
from tests.factories import consent as make


@pytest.fixture(autouse=True)
def wired(settings: object) -> None:
    """The rooms' steps of a merge are registered, as the factory does."""
    from app.factory import wire

    wire()


@dataclass(frozen=True)
class Pair:
    """Two contacts of one person, and a topic."""

    brand: int
    topic: int
    kept: int
    other: int


@pytest.fixture
def pair(session: Session) -> Pair:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    kept = make.permitted_contact(session, topic, "ada@example.com", first_name="Ada", country="FR")
    other = make.make_contact(session, "ada.l@example.org", last_name="Lovelace", country="FR")
    return Pair(brand, topic, kept, other)


def gate_of(session: Session, pair: Pair, contact_id: int) -> tuple[str | None, bool]:
    """The gate, which the explanation gives too, and whether the person is tracked."""
    session.flush()
    people = select(contact_table().c.id.label("contact_id")).where(contact_table().c.id == contact_id)
    row = session.execute(gates(pair.topic, pair.brand, clock.now(), people)).one()
    first = deciding(verdicts(session, contact_id, pair.topic, pair.brand, clock.now()))
    assert row.gate == (first.gate if first else None)
    return row.gate, row.tracked


def refuse(session: Session, pair: Pair, contact_id: int, how: str) -> None:
    person = contact(session, contact_id)
    if how == "withdrawn":
        withdraw(session, contact_id, [pair.topic], actor=Actor.SUBSCRIBER)
    elif how == "objected":
        append(session, contact_id, Entry(Subject.MARKETING, Action.OBJECT, Actor.SUBSCRIBER))
    elif how == "complained":
        append(session, contact_id, Entry(Subject.MARKETING, Action.COMPLAIN, Actor.SYSTEM))
    elif how == "suppressed":
        suppress_address(session, email_key=person.email_key, reason="manual")
    elif how == "paused":
        later = clock.now() + timedelta(days=7)
        pause = Entry(Subject.BRAND, Action.PAUSE, Actor.SUBSCRIBER, brand_id=pair.brand, expires_at=later)
        append(session, contact_id, pause)


REFUSALS = {
    "withdrawn": "permission_withdrawn",
    "objected": "objected",
    "complained": "complained",
    "suppressed": "suppressed",
    "paused": "paused",
}


@pytest.mark.parametrize(("how", "gate"), REFUSALS.items())
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("whose", ["kept", "other"])
def test_what_either_refused_covers_both(
    session: Session, pair: Pair, how: str, gate: str, before: bool, whose: str
) -> None:
    if before:
        refuse(session, pair, getattr(pair, whose), how)
    merging.merge(session, pair.kept, pair.other)
    if not before:
        refuse(session, pair, getattr(pair, whose), how)
    assert gate_of(session, pair, pair.kept)[0] == gate
    assert gate_of(session, pair, pair.other)[0] == "merged"
    merging.undo(session, pair.other)
    assert gate_of(session, pair, pair.kept)[0] == (gate if whose == "kept" else None)
    assert verify(session).broken is None


def test_a_grant_does_not_pass_from_one_number_to_the_other(session: Session, pair: Pair) -> None:
    merging.merge(session, pair.other, pair.kept)
    assert gate_of(session, pair, pair.other)[0] == "no_permission"
    assert gate_of(session, pair, pair.kept)[0] == "merged"


def test_the_person_alone_lifts_what_covers_them(session: Session, pair: Pair) -> None:
    refuse(session, pair, pair.other, "withdrawn")
    merging.merge(session, pair.kept, pair.other)
    make.grant(session, pair.kept, pair.topic, actor=Actor.STAFF)
    assert gate_of(session, pair, pair.kept)[0] == "permission_withdrawn"
    assert permissions.covered(session, pair.kept) == {pair.topic}
    make.grant(session, pair.kept, pair.topic)
    assert gate_of(session, pair, pair.kept)[0] is None
    assert permissions.covered(session, pair.kept) == set()
    refuse(session, pair, pair.other, "objected")
    assert gate_of(session, pair, pair.kept)[0] == "objected"


def test_refused_tracking_covers_both(session: Session, pair: Pair) -> None:
    make.track(session, pair.kept, pair.brand)
    make.track(session, pair.other, pair.brand, granted=False)
    assert gate_of(session, pair, pair.kept) == (None, True)
    merging.merge(session, pair.kept, pair.other)
    assert gate_of(session, pair, pair.kept) == (None, False)
    make.track(session, pair.kept, pair.brand)
    assert gate_of(session, pair, pair.kept) == (None, True)


# Any two histories


@dataclass(frozen=True)
class Past:
    """What happened to one of the two before they were merged."""

    granted: bool
    level: Level
    basis: Basis
    refusals: frozenset[str]
    tracking: bool | None
    country: str


pasts = st.builds(
    Past,
    granted=st.booleans(),
    level=st.sampled_from(Level),
    basis=st.sampled_from([Basis.CONSENT, Basis.SOFT_OPT_IN]),
    refusals=st.frozensets(st.sampled_from(sorted(REFUSALS)), max_size=2),
    tracking=st.none() | st.booleans(),
    country=st.sampled_from(["", "FR", "US", "DE"]),
)


def live(session: Session, pair: Pair, contact_id: int, past: Past) -> None:
    edit(session, contact_id, {"country": past.country})
    if past.granted:
        make.grant(session, contact_id, pair.topic, level=past.level, basis=past.basis)
    if past.tracking is not None:
        make.track(session, contact_id, pair.brand, granted=past.tracking)
    for how in sorted(past.refusals):
        refuse(session, pair, contact_id, how)


@hypothesis_settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=pasts, theirs=pasts, profile=st.sampled_from(["eu", "us", "uk"]), chosen=st.sampled_from(Side))
def test_a_merged_person_is_never_more_permitted_and_undoing_restores_both(
    session: Session, mine: Past, theirs: Past, profile: str, chosen: Side
) -> None:
    with session.begin_nested() as savepoint:
        brand = make.make_brand(session, profile=profile)
        topic = make.make_topic(session, brand)
        pair = Pair(brand, topic, make.make_contact(session), make.make_contact(session))
        live(session, pair, pair.kept, mine)
        live(session, pair, pair.other, theirs)
        before = [gate_of(session, pair, one) for one in (pair.kept, pair.other)]
        merging.merge(session, pair.kept, pair.other, dict.fromkeys(["country", "first_name"], chosen))
        (gate, tracked), (folded_gate, _) = (gate_of(session, pair, one) for one in (pair.kept, pair.other))
        assert folded_gate == "merged"
        if gate is None:
            assert before[0][0] is None and not theirs.refusals
        if tracked:
            assert before[0][1] and theirs.tracking is not False
        merging.undo(session, pair.other)
        assert [gate_of(session, pair, one) for one in (pair.kept, pair.other)] == before
        assert verify(session).broken is None
        savepoint.rollback()
    session.expire_all()


# Fields


def test_the_kept_values_win_and_gaps_are_filled(session: Session, pair: Pair) -> None:
    edit(session, pair.other, {"first_name": "Augusta", "language": "en"})
    set_tags(session, pair.kept, ["vip"])
    set_tags(session, pair.other, ["vip", "maths"])
    merging.merge(session, pair.kept, pair.other)
    found = contact(session, pair.kept)
    assert (found.first_name, found.last_name, found.language) == ("Ada", "Lovelace", "en")
    assert found.tags == ("vip", "maths")
    assert contact(session, pair.other).first_name == "Augusta"  # nothing of the other is touched


def test_undoing_gives_back_what_was_not_changed_since(session: Session, pair: Pair) -> None:
    edit(session, pair.other, {"first_name": "Augusta"})
    set_tags(session, pair.other, ["maths"])
    merging.merge(session, pair.kept, pair.other, {"first_name": "folded"})
    assert contact(session, pair.kept).first_name == "Augusta"
    edit(session, pair.kept, {"last_name": "King"})
    set_tags(session, pair.kept, ["maths", "vip"])
    assert merging.undo(session, pair.other) == pair.kept
    found = contact(session, pair.kept)
    assert (found.first_name, found.last_name, found.tags) == ("Ada", "King", ("vip",))


def test_a_known_country_is_not_exchanged(session: Session, pair: Pair) -> None:
    """Which law protects somebody must not become another one by the way."""
    edit(session, pair.other, {"country": "US"})
    merging.merge(session, pair.kept, pair.other, {"country": "folded"})
    assert contact(session, pair.kept).country == "FR"


# Who is who


def test_merging_on_and_back(session: Session, pair: Pair) -> None:
    third = make.make_contact(session, "countess@example.net")
    merging.merge(session, pair.kept, pair.other)
    merging.merge(session, third, pair.kept)
    assert person(session, pair.other) == [third, pair.kept, pair.other]
    assert head(session, pair.other) == third
    assert [one.contact.id for one in folded(session, third)] == [pair.other, pair.kept]
    assert merging.undo(session, pair.kept) == third
    assert person(session, pair.kept) == [pair.kept, pair.other]
    assert person(session, third) == [third]
    merging.merge(session, third, pair.kept)
    merging.undo(session, pair.other)
    assert person(session, pair.other) == [pair.other]
    assert person(session, third) == [third, pair.kept]


def test_what_cannot_be_merged_says_why(session: Session, pair: Pair) -> None:
    with pytest.raises(InvalidInput, match="itself"):
        merging.merge(session, pair.kept, pair.kept)
    with pytest.raises(NotFound):
        merging.merge(session, pair.kept, 999_999)
    with pytest.raises(Conflict, match="not merged"):
        merging.undo(session, pair.other)
    merging.merge(session, pair.kept, pair.other)
    third = make.make_contact(session)
    for kept, other in ((third, pair.other), (pair.other, third), (pair.other, pair.kept)):
        with pytest.raises(Conflict, match=f"Contact {pair.other} is merged into contact {pair.kept}"):
            merging.merge(session, kept, other)
    erase(session, third, actor=Actor.STAFF)
    with pytest.raises(Conflict, match="erased"):
        merging.merge(session, pair.kept, third)


# The law


def test_erasing_one_erases_both(session: Session, pair: Pair) -> None:
    merging.merge(session, pair.kept, pair.other)
    erase(session, pair.other, actor=Actor.STAFF)
    for one in (pair.kept, pair.other):
        found = contact(session, one)
        assert found.erased_at is not None and found.email is None and found.first_name == ""
    assert gate_of(session, pair, pair.kept)[0] == "erased"
    with pytest.raises(NotAllowed):
        erase(session, pair.kept, actor=Actor.STAFF)
    with pytest.raises(Conflict, match="erased"):
        merging.undo(session, pair.other)
    assert verify(session).broken is None


def test_an_export_of_either_shows_both_and_the_proof_says_so(session: Session, pair: Pair) -> None:
    merging.merge(session, pair.kept, pair.other)
    for one in (pair.kept, pair.other):
        held = proof.export(session, one)
        assert held["contact"]["email"] == "ada@example.com"
        assert [other["contact"]["email"] for other in held["other_numbers"]] == ["ada.l@example.org"]
    made = proof.proof(session, pair.kept)
    assert [link["number"] for link in made["parties"]["pii_principal"]["merged"]] == [pair.other]
    assert made["events"][-1]["action"] == "merge"
    assert made["events"][-1]["evidence"] == {"role": "kept", "other": str(pair.other)}
    merging.undo(session, pair.other)
    assert proof.proof(session, pair.other)["events"][-1]["action"] == "part"
    assert "other_numbers" not in proof.export(session, pair.kept)
