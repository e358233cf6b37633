"""The pages of the customer base, as staff use them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.accounts.policy import Role
from app.core.db import unit_of_work
from app.customers.queries import contacts, imports
from app.customers.queries.fields import dictionary
from tests.factories.accounts import make_staff, sign_in
from tests.factories.customers import make_contact, make_contacts, make_field

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    """A browser in which an administrator is signed in."""
    make_staff()
    sign_in(client)
    return client


def upload(staff: FlaskClient, content: bytes, name: str = "people.csv") -> str:
    """Upload a file; return the address of its import."""
    answer = staff.post("/contacts/imports", data={"file": (io.BytesIO(content), name)})
    assert answer.status_code == 302, answer.text
    return answer.location


def test_an_empty_base_teaches_how_to_begin(staff):
    assert "Import a list" in staff.get("/contacts").text


def test_contacts_are_found_by_parts_of_name_and_address(staff):
    with unit_of_work() as session:
        make_contact(session, "ada@example.com", first_name="Ada", last_name="Lovelace", tags=("vip",))
        make_contact(session, "grace_h@example.org", first_name="Grace")
    for query, found in (("love", "ada@"), ("LOVELACE ada", "ada@"), ("gr", "grace_h"), ("ace_h@", "grace_h")):
        page = staff.get("/contacts", query_string={"q": query}).text
        assert found in page, query
        assert (page.count("example.com") + page.count("example.org")) == 1, query
    tagged = staff.get("/contacts?tag=vip").text
    assert "ada@" in tagged and "grace_h" not in tagged
    assert "Nobody matches" in staff.get("/contacts?q=100%25").text


def test_the_list_is_paged_by_keys(staff):
    with unit_of_work() as session:
        ids = make_contacts(session, 120)
    seen: list[int] = []
    url = "/contacts"
    while url:
        page = staff.get(url).text
        seen += [int(found) for found in re.findall(r'href="/contacts/(\d+)"', page)]
        link = re.search(r'href="([^"]+)" rel="next"', page)
        url = link[1].replace("&amp;", "&") if link else ""
    assert seen == ids[::-1]
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back
    earlier = re.findall(r'href="/contacts/(\d+)"', staff.get(back[1]).text)
    assert [int(found) for found in earlier] == ids[::-1][50:100]


def test_a_contact_is_added_changed_and_shown(staff):
    with unit_of_work() as session:
        make_field(session, "size", "number")
    wrong = staff.post("/contacts/new", data={"email": "ada@example.com", "f_size": "big"})
    assert wrong.status_code == 422
    assert "not a number" in wrong.text
    made = staff.post("/contacts/new", data={"email": "ada@example.com", "f_size": "38", "tags": "vip, blog"})
    page = staff.get(made.location).text
    assert "ada@example.com" in page and "38" in page and "blog" in page
    again = staff.post("/contacts/new", data={"email": "ADA@example.com"})
    assert again.status_code == 422
    staff.post(f"{made.location}/edit", data={"first_name": "Ada", "f_size": "", "tags": ""})
    staff.post(f"{made.location}/address", data={"email": "ada@example.org"})
    with unit_of_work() as session:
        ada = contacts.by_address(session, "ada@example.org")
    assert (ada.first_name, ada.attributes, ada.tags) == ("Ada", {}, ())
    assert "Changed the address" in staff.get(made.location).text


def test_fields_are_declared_and_changed(staff):
    data = {"name": "likes", "kind": "choices", "label_en": "Likes", "label_fr": "Aime", "choices": "Tea\nCoffee"}
    assert staff.post("/contacts/fields", data=data).status_code == 302
    assert staff.post("/contacts/fields", data=data).status_code == 409
    assert staff.post("/contacts/fields", data=data | {"name": "Bad Name"}).status_code == 422
    assert staff.post("/contacts/fields", data=data | {"name": "other", "choices": ""}).status_code == 422
    staff.post("/contacts/fields/likes", data={"label_en": "Drinks", "choices": "Tea\nCoffee\nWater"})
    with unit_of_work() as session:
        (field,) = dictionary(session)
    assert (field.label("en"), field.choices, field.personal) == ("Drinks", ("Tea", "Coffee", "Water"), False)
    assert "Drinks" in staff.get("/contacts/fields").text


def test_a_file_is_mapped_tried_and_imported(staff, run_jobs: Callable[[], int]):
    page = upload(staff, b"E-mail,Nom,Shoes\na@example.com,Ada,38\nbad,Bob,39\nb@example.com,Bob,x\n")
    mapping = staff.get(page).text
    assert re.search(r'value="email" selected', mapping)
    assert re.search(r'value="last_name" selected', mapping)
    form = {"column-0": "email", "column-1": "last_name", "column-2": "+", "source": "", "run": "dry"}
    unsaid = staff.post(f"{page}/start", data=form)
    assert unsaid.status_code == 422
    assert "Say where these people come from" in unsaid.text
    staff.post(f"{page}/start", data=form | {"source": "Fair"})
    assert "waiting for a worker" in staff.get(page).text
    run_jobs()
    assert "nothing was changed" in staff.get(page).text
    assert "@example.com" not in staff.get("/contacts").text
    staff.post(f"{page}/apply")
    run_jobs()
    done = staff.get(page).text
    assert "hx-trigger" not in done
    with unit_of_work() as session:
        batch = imports.latest(session)[0]
        assert contacts.by_address(session, "b@example.com").attributes == {"shoes": "x"}
    assert (batch.status, batch.added, batch.rejected) == ("done", 2, 1)
    assert not Path(batch.path).exists(), "an uploaded file is personal data: it goes when it is imported"
    rejects = staff.get(f"{page}/rejects.csv").text.splitlines()
    assert rejects[0] == "\ufeffline,column,reason,E-mail,Nom,Shoes"
    assert rejects[1].startswith("3,E-mail,") and rejects[1].endswith(",bad,Bob,39")


def test_a_file_that_is_no_table_is_refused_on_its_page(staff):
    answer = staff.post("/contacts/imports", data={"file": (io.BytesIO(b"PK\x03\x04"), "book.xlsx")})
    assert answer.status_code == 422
    assert "save it as CSV" in answer.text
    assert staff.post("/contacts/imports", data={}).status_code == 422


def test_an_import_is_stopped_and_resumed(staff, run_jobs):
    page = upload(staff, b"email\na@example.com\n")
    staff.post(f"{page}/start", data={"column-0": "email", "source": "Fair", "run": "now"})
    staff.post(f"{page}/stop")
    run_jobs()
    assert "Go on" in staff.get(page).text
    staff.post(f"{page}/resume")
    run_jobs()
    with unit_of_work() as session:
        assert imports.latest(session)[0].status == "done"


def test_markup_is_inert_everywhere(staff, run_jobs):
    with unit_of_work() as session:
        make_field(session, "note")
        person = make_contact(session, "a@example.com", first_name=EVIL, source=EVIL, note=EVIL, tags=("<b>x</b>",))
    cell = EVIL.replace('"', '""').encode()
    page = upload(staff, b'email,"' + cell + b'",note\nbad,"' + cell + b'","' + cell + b'"\n', f"{EVIL}.csv")
    assert "<script>alert" not in staff.get(page).text
    staff.post(f"{page}/start", data={"column-0": "email", "source": EVIL, "evidence": EVIL, "run": "now"})
    run_jobs()
    for url in (
        "/contacts",
        f"/contacts/{person}",
        f"/contacts/{person}/edit",
        "/contacts/imports",
        page,
    ):
        text = staff.get(url).text
        assert "alert(1)" in text, url
        assert "<script>alert" not in text, url
        assert "<img src=x" not in text, url
        assert "<b>x</b>" not in text, url


def test_an_export_has_every_contact_and_no_formula(staff):
    with unit_of_work() as session:
        make_field(session, "note")
        make_field(session, "likes", "choices", ("Tea", "Coffee"))
        make_contact(session, "a@example.com", first_name="=1+1", note="-5", likes="tea; coffee", tags=("x", "y"))
        make_contact(session, "b@example.com", note='back\\slash "quote"\nline')
    csv_text = staff.get("/contacts/export.csv").text
    assert "a@example.com,'=1+1," in csv_text
    assert "Tea; Coffee,-5" in csv_text
    rows = staff.get("/contacts/export.jsonl").text.splitlines()
    assert json.loads(rows[1])["fields"] == {"note": 'back\\slash "quote"\nline'}
    assert json.loads(rows[0])["tags"] == ["x", "y"]


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [(Role.VIEWER, False, False), (Role.ANALYST, True, False), (Role.MARKETER, True, True)],
)
def test_roles_see_what_they_may(client, role, reads, writes):
    make_staff(role, email="who@example.com")
    sign_in(client, "who@example.com")
    with unit_of_work() as session:
        person = make_contact(session)
    assert (client.get("/contacts").status_code == 200) is reads
    assert (client.get(f"/contacts/{person}").status_code == 200) is reads
    assert (client.get("/contacts/export.csv").status_code == 200) is reads
    assert (client.get("/contacts/imports").status_code == 200) is writes
    assert (client.post(f"/contacts/{person}/edit", data={}).status_code == 302) is writes
