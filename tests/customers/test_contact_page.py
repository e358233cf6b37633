"""The page of a contact: notes, where values are from, other systems, a timeline to narrow, lists to choose from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.policy import Role
from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.policy.codes import countries, languages
from app.customers.policy.origins import Origin
from app.customers.queries import origins
from app.customers.queries.contacts import contact
from app.customers.services import merging
from app.customers.services.contacts import edit, find_or_create
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from consent.policy.standing import Actor
from consent.queries import proof
from consent.services.erase import erase
from tests.factories.accounts import make_staff, sign_in
from tests.factories.customers import make_contact, make_field


@pytest.fixture
def ada(client: FlaskClient) -> int:
    """A contact, and a marketer who is signed in."""
    make_staff(Role.MARKETER)
    sign_in(client, "marketer@example.com")
    with unit_of_work() as session:
        return make_contact(session, "ada@example.com", first_name="Ada", country="FR", source="Fair")


def test_notes_are_written_shown_handed_over_and_erased(client: FlaskClient, ada: int) -> None:
    client.post(f"/contacts/{ada}/notes", data={"text": "Called; likes <b>tea</b>\nand cake"})
    assert client.post(f"/contacts/{ada}/notes", data={"text": "  "}).status_code == 422
    page = client.get(f"/contacts/{ada}").text
    assert "likes &lt;b&gt;tea&lt;/b&gt;" in page and "Marketer" in page
    with unit_of_work() as session:
        held = proof.export(session, ada)
        assert [note["text"] for note in held["notes"]] == ["Called; likes <b>tea</b>\nand cake"]
        note_id = session.scalar(text("SELECT id FROM contact_note"))
    client.post(f"/contacts/notes/{note_id}/delete")
    assert "likes" not in client.get(f"/contacts/{ada}").text
    assert client.post(f"/contacts/notes/{note_id}/delete").status_code == 404
    client.post(f"/contacts/{ada}/notes", data={"text": "Another"})
    with unit_of_work() as session:
        erase(session, ada, actor=Actor.STAFF)
        assert session.scalar(text("SELECT count(*) FROM contact_note")) == 0
    assert client.post(f"/contacts/{ada}/notes", data={"text": "Late"}).status_code == 409


def test_notes_of_merged_contacts_stand_together(client: FlaskClient, ada: int) -> None:
    with unit_of_work() as session:
        other = make_contact(session, "ada.l@example.org")
    client.post(f"/contacts/{other}/notes", data={"text": "Known from the other address"})
    client.post(f"/contacts/{ada}/merge/{other}")
    assert client.get(f"/contacts/{ada}").text.count("Known from the other address") == 2  # the card and the timeline


def test_what_other_systems_call_somebody(client: FlaskClient, ada: int) -> None:
    with unit_of_work() as session:
        other = make_contact(session)
    client.post(f"/contacts/{ada}/external", data={"source": "Shop", "value": "A-17"})
    client.post(f"/contacts/{ada}/external", data={"source": "shop", "value": "A-17"})
    assert "A-17" in client.get(f"/contacts/{ada}").text
    taken = client.post(f"/contacts/{other}/external", data={"source": "shop", "value": "A-17"}, follow_redirects=True)
    assert f"shop calls contact {ada} so already" in taken.text
    client.post(f"/contacts/{ada}/external", data={"source": " ", "value": "1"}, follow_redirects=True)
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM external_id")) == 1
    client.post("/contacts/external/remove", data={"source": "shop", "value": "A-17"})
    assert "A-17" not in client.get(f"/contacts/{ada}").text


def test_the_timeline_can_be_narrowed(client: FlaskClient, ada: int) -> None:
    client.post(f"/contacts/{ada}/notes", data={"text": "A small note"})
    with unit_of_work() as session:
        merging.merge(session, ada, make_contact(session))
    everything, permission = (client.get(f"/contacts/{ada}{query}").text for query in ("", "?only=permission"))
    timeline = [page[page.index('id="timeline"') :] for page in (everything, permission)]
    assert "A small note" in timeline[0] and "Merged" in timeline[0]
    assert "A small note" not in timeline[1] and "Merged" in timeline[1]
    assert client.get(f"/contacts/{ada}?only=nothing").status_code == 200


# Why this value?


def origin(contact_id: int, field: str) -> tuple[Origin, int | None] | None:
    with unit_of_work() as session:
        known = contact(session, contact_id).origins.get(field)
        return (known.origin, known.number) if known else None


def test_who_set_a_value_is_remembered(client: FlaskClient, ada: int, tmp_path: Path) -> None:
    with unit_of_work() as session:
        make_field(session, "size")
    assert origin(ada, "country") is None
    assert "came with the contact (Fair)" in client.get(f"/contacts/{ada}").text
    form = {"first_name": "Ada", "country": "BE", "source": "Fair"}
    client.post(f"/contacts/{ada}/edit", data=form)
    kind, staff = origin(ada, "country") or (None, None)
    assert kind is Origin.STAFF and staff is not None and origin(ada, "first_name") is None
    assert "set by Marketer" in client.get(f"/contacts/{ada}").text
    path = tmp_path / "people.csv"
    path.write_text("email,first_name,country,size\nada@example.com,Ada,CH,L\n")
    with unit_of_work() as session:
        batch = batches.create(session, inspect(path, tmp_path), "people.csv")
        mapping = {name: name for name in ("email", "first_name", "country", "size")}
        batches.prepare(session, batch, mapping, Statement(None, "", "", "shop", ""))
    importing.run(batch)
    with unit_of_work() as session:
        known = origins.imported(session, ada)
    assert set(known) == {"country", "size"} and known["size"].number == batch  # the first name was no change
    assert f"from import {batch}" in client.get(f"/contacts/{ada}").text
    with unit_of_work() as session:
        find_or_create(session, "ada@example.com", (Origin.FORM, 3), last_name="Lovelace", country="DE")
        edit(session, ada, {"first_name": "Augusta"}, by=(Origin.PERSON, None))
    assert origin(ada, "last_name") == (Origin.FORM, 3)
    assert origin(ada, "country") == (kind, staff)
    assert origin(ada, "first_name") == (Origin.PERSON, None)


def test_a_merge_is_remembered_and_undoing_it_remembers_what_was_before(client: FlaskClient, ada: int) -> None:
    with unit_of_work() as session:
        edit(session, ada, {"first_name": "Augusta"}, by=(Origin.PERSON, None))
        other = make_contact(session, first_name="Ada", last_name="King")
        merging.merge(session, ada, other, {"first_name": "folded"})
    assert origin(ada, "first_name") == origin(ada, "last_name") == (Origin.MERGE, other)
    with unit_of_work() as session:
        merging.undo(session, other)
    assert origin(ada, "first_name") == (Origin.PERSON, None)
    assert origin(ada, "last_name") is None


# Lists


def test_countries_and_languages_are_chosen_from_lists(client: FlaskClient, ada: int) -> None:
    page = client.get("/contacts/new").text
    assert '<option value="CH">Switzerland</option>' in page and '<option value="br">Breton</option>' in page
    assert 'list="time-zones"' in page and 'value="Europe/Paris"' in page
    refused = client.post("/contacts/new", data={"email": "b@example.com", "country": "Narnia"})
    assert refused.status_code == 422
    client.post("/contacts/new", data={"email": "b@example.com", "country": "CH", "language": "rm"})
    with unit_of_work() as session:
        row = session.execute(text("SELECT country, language FROM contact WHERE email = 'b@example.com'")).one()
        assert tuple(row) == ("CH", "rm")
        edit(session, ada, {"language": "fr-CA"})
    assert '<option selected value="fr-CA">fr-CA</option>' in client.get(f"/contacts/{ada}/edit").text
    client.post(f"/contacts/{ada}/edit", data={"language": "fr-CA", "country": "FR"})
    with unit_of_work() as session:
        assert contact(session, ada).language == "fr-CA"


@pytest.mark.parametrize("listed", [countries, languages])
def test_lists_are_sorted_as_people_look(listed: Callable[[str], tuple[tuple[str, str], ...]]) -> None:
    names = [name for _, name in listed("fr")]
    assert len(names) > 150 and len(set(names)) == len(names)
    assert "ZZ" not in dict(listed("fr"))
    accented = next(index for index, name in enumerate(names) if name.casefold().startswith("é"))
    assert 0 < accented < len(names) - 20
