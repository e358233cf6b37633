"""Profiles go from one installation to another and back without loss, and never permit more than was permitted."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from app.core import db as database
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import by_address
from app.customers.services.contacts import change_address, edit, set_tags
from consent.policy.ladder import Level, State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions
from consent.queries.verify import verify
from consent.services import exchanging
from consent.services.ledger import Entry, append
from consent.services.suppress import suppress_address
from consent.services.withdraw import withdraw
from tests.factories import consent as make
from tests.factories.customers import make_field


def all_profiles() -> list[dict[str, object]]:
    with database.snapshot() as session:
        return json.loads(json.dumps(list(exchanging.profiles(session))))


@pytest.fixture
def topics(db) -> list[int]:
    """Some people with every state a permission can have."""
    with unit_of_work() as session:
        make_field(session, "size", "number")
        make_field(session, "likes", "choices", ("Tea", "Milk"))
        ids = [make.make_topic(session, name=name) for name in ("News", "Offers")]
        ada, bob, cy, dan, eve = (
            make.make_contact(session, f"{name}@example.com") for name in ("ada", "bob", "cy", "dan", "eve")
        )
        edit(session, ada, {"first_name": "Ada", "country": "FR", "size": "4.5", "likes": "Tea;Milk", "source": "Fair"})
        set_tags(session, ada, ["vip", "é"])
        make.grant(session, ada, ids[0], level=Level.CONFIRMED)
        make.grant(session, ada, ids[1], level=Level.OPT_IN)
        make.grant(session, bob, ids[0], level=Level.OPT_IN)
        withdraw(session, bob, [ids[0]], actor=Actor.SUBSCRIBER)
        make.act(session, cy, Action.REQUEST, topic_id=ids[0])
        append(session, dan, Entry(Subject.MARKETING, Action.OBJECT, Actor.SUBSCRIBER))
        suppress_address(session, email_key="eve@example.com", reason="hard_bounce", source="a bounce")
        change_address(session, eve, "eva@example.com")
    return ids


def test_they_come_back_without_loss(topics):
    before = all_profiles()
    assert len(before) == 5
    with unit_of_work() as session:
        session.execute(text("TRUNCATE contact, contact_address, external_id, permission, suppression CASCADE"))
    with unit_of_work() as session:
        assert all(exchanging.take(session, profile, "elsewhere") for profile in before)
    after = all_profiles()
    for was, now in zip(before, after, strict=True):
        for stated in (*was["permissions"], *now["permissions"]):
            stated["proof"].pop("source", None)
        assert now == {**was, "source": was["source"] or "elsewhere"}
    with unit_of_work() as session:
        assert not any(exchanging.take(session, profile, "elsewhere") for profile in before)
    again = all_profiles()
    for profile in again:
        for stated in profile["permissions"]:
            stated["proof"].pop("source", None)
    assert again == after, "taken once more, nothing changes"


def test_nothing_is_permitted_that_was_withdrawn_here_or_given_for_another_address(topics):
    before = all_profiles()
    ada = next(profile for profile in before if profile["email"] == "ada@example.com")
    with unit_of_work() as session:
        person = by_address(session, "ada@example.com").id
        withdraw(session, person, topics, actor=Actor.SUBSCRIBER)
        exchanging.take(session, ada, "elsewhere")
        assert {one.state for one in permissions.of_contact(session, person).values()} == {State.WITHDRAWN}
        for stated in ada["permissions"]:
            stated["for_this_address"] = False
        exchanging.take(session, {**ada, "email": "other@example.com"}, "elsewhere")
        assert permissions.of_contact(session, by_address(session, "other@example.com").id) == {}
        assert verify(session).broken is None


@pytest.mark.parametrize(
    "spoil",
    [
        {"format": "other"},
        {"email": "nobody"},
        {"fields": {"unknown": 1}},
        {"fields": [1]},
        {"permissions": [{"topic": "nope", "state": "granted"}]},
        {"permissions": ["x"]},
        {"created_at": "yesterday"},
        {"suppressions": [{"reason": "whim"}]},
        {"tags": ["a,b"]},
    ],
)
def test_what_cannot_be_kept_is_refused_whole(topics, spoil):
    profile = {**all_profiles()[0], "email": "new@example.com", **spoil}
    with pytest.raises(InvalidInput), unit_of_work() as session:
        exchanging.take(session, profile, "elsewhere")
    with unit_of_work() as session:
        assert by_address(session, "new@example.com") is None
