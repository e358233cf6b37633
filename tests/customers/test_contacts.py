"""Contacts: one person, one address, nothing overwritten by strangers."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict, InvalidInput
from app.customers.policy import normalise
from app.customers.queries import contacts as queries
from app.customers.services import contacts
from tests.factories.customers import make_contact, make_field


def test_an_address_is_one_person_whatever_its_case(session):
    first = contacts.find_or_create(session, "Ada.Lovelace@Example.com", first_name="Ada")
    assert contacts.find_or_create(session, " ada.lovelace@example.COM ") == first
    assert contacts.find_or_create(session, "adalovelace@example.com") != first
    found = queries.contact(session, first)
    assert (found.email, found.email_key, found.domain) == (
        "Ada.Lovelace@Example.com",
        "ada.lovelace@example.com",
        "example.com",
    )
    assert found.address_key == normalise("ada.lovelace@example.com").address_key


def test_a_stranger_who_types_an_address_fills_only_what_is_empty(session):
    make_field(session, "size", "number")
    person = make_contact(session, "ada@example.com", first_name="Ada")
    contacts.find_or_create(session, "ada@example.com", first_name="Eve", last_name="King", language="FR", size="38,5")
    found = queries.contact(session, person)
    assert (found.first_name, found.last_name, found.language) == ("Ada", "King", "fr")
    assert found.attributes == {"size": 38.5}


@pytest.mark.parametrize("bad", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@localhost", '"a"@b.fr'])
def test_a_bad_address_is_refused_with_a_reason(session, settings, bad):
    with pytest.raises(InvalidInput) as refused:
        contacts.find_or_create(session, bad)
    assert refused.value.field == "email"


def test_a_former_address_still_finds_the_person(session, monkeypatch):
    person = make_contact(session, "old@example.com")
    heard = []
    monkeypatch.setattr(contacts, "address_listeners", [lambda _session, *change: heard.append(change)])
    contacts.change_address(session, person, "new@example.com")
    old, new = normalise("old@example.com").address_key, normalise("new@example.com").address_key
    assert heard == [(person, old, new, False)]
    assert queries.by_address_key(session, old) == [person]
    assert [former.email for former in queries.earlier_addresses(session, person)] == ["old@example.com"]


def test_two_people_cannot_have_one_address(session):
    make_contact(session, "a@example.com")
    other = make_contact(session, "b@example.com")
    with pytest.raises(Conflict):
        contacts.change_address(session, other, "A@example.com")
    with pytest.raises(Conflict):
        contacts.create(session, "a@example.com", {})


def test_editing_sets_and_empties_and_names_the_wrong_field(session):
    make_field(session, "size", "number")
    person = make_contact(session, size="3", first_name="Ada", country="France")
    contacts.edit(session, person, {"size": "", "first_name": "", "country": "de"})
    found = queries.contact(session, person)
    assert (found.attributes, found.first_name, found.country) == ({}, "", "DE")
    with pytest.raises(InvalidInput) as refused:
        contacts.edit(session, person, {"size": "big"})
    assert refused.value.field == "size"


def test_erasing_leaves_the_id_alone(session):
    person = make_contact(session, "ada@example.com", first_name="Ada")
    contacts.change_address(session, person, "ada2@example.com")
    contacts.erase(session, person)
    found = queries.contact(session, person)
    assert (found.email, found.first_name, found.attributes) == (None, "", {})
    assert queries.by_address_key(session, normalise("ada@example.com").address_key) == []
