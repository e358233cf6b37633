"""Row 64 for what strangers send: whatever they put into a form, a header or a request is text in every page and file
that staff open, a formula in none, and no template is run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import clock, tokens
from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address, contact
from app.customers.services import fields
from consent.queries import forms, requests
from consent.services import access
from tests.consent.conftest import Mailbox, Stage, shown_token
from tests.factories.accounts import make_staff, sign_in
from tests.guards.test_access_log import staff_pages

MARK = "zqx"
EVIL = (
    f"=cmd|'/c calc'!A0 <script>{MARK}(1)</script><img src=x>' onfocus='{MARK}' \" onfocus=\"{MARK}\" {{{{ 7*191 }}}}"
)
EMAIL = "zqx'{{7*191}}&x=1@example.com"  # all of it is allowed before the @ (RFC 5322 §3.2.3)
ARGUMENTS = {"language": "en", "show": "inline", "kind": "svg"}


class Markup(HTMLParser):
    """Reads a page as a browser does, and notes what a stranger brought to life in it."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        for name, value in attrs:
            if name.startswith("on") or (tag == "img" and name == "src" and value == "x"):
                self.alive.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        if self._script and MARK in data:
            self.alive.append(data)
        self._script = False


def alive(page: str) -> list[str]:
    reader = Markup()
    reader.feed(page)
    return [*reader.alive, *(["a template ran"] if "1337" in page else [])]


@pytest.fixture
def stranger(
    app: Flask, stage: Stage, client: FlaskClient, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> dict[str, object]:
    """Somebody who put markup, formulas and template tags wherever the public pages let them."""
    with unit_of_work() as session:
        fields.declare(session, "motto", "text", {"en": "Motto"}, subscriber_may_edit=True)
        session.execute(text("UPDATE form SET fields = '{first_name,last_name,motto}', age_country = 'FR'"))
    sent = {"form_token": shown_token(client, stage.form), "language": "en", "email": EMAIL, "topic": [stage.news]}
    sent |= {"first_name": EVIL, "last_name": EVIL, "motto": EVIL, "age": "enough"}
    headers = {"User-Agent": EVIL, "Referer": f"https://{MARK}.example/{EVIL}", "Accept-Language": EVIL}
    assert client.post(f"/subscribe/{stage.form}?source={EVIL}", data=sent, headers=headers).status_code == 200
    run_jobs()
    assert client.post(mailbox.confirm_path(), headers=headers).status_code == 200
    with unit_of_work() as session:
        person = by_address(session, EMAIL)
        assert person is not None and person.first_name == EVIL and person.address_key is not None
        door = f"/access/{access.token_for(person.id, person.address_key, stage.brand)}"
        form_id = forms.by_slug(session, stage.form).id
    token = stage.permission_token(person.id)
    client.post(f"/unsubscribe/{token}", data={"page": "1"}, headers=headers)
    client.post(f"/unsubscribe/{token}/reason", data={"reason": "other", "comment": EVIL}, headers=headers)
    client.post(f"{door}/details", data={"first_name": EVIL, "last_name": EVIL, "motto": EVIL}, headers=headers)
    client.post(f"{door}/address", data={"email": f"new{EMAIL}"}, headers=headers)
    asked = {"kind": "access", "name": EVIL, "email": EMAIL, "phone": EVIL, "postal": EVIL, "wish": EVIL}
    asked["form_token"] = tokens.sign_timed(tokens.Purpose.REQUEST, {"t": clock.now().timestamp() - 9})
    assert client.post("/request", data=asked, headers=headers).status_code == 200
    with unit_of_work() as session:
        [request] = requests.page_of(session)
        assert contact(session, person.id).attributes == {"motto": EVIL}
    known = {"contact_id": person.id, "form_id": form_id, "topic_id": stage.news, "brand_id": stage.brand}
    return {**ARGUMENTS, **known, "request_id": request.id, "door": door, "token": token}


def test_row_64_what_strangers_send_is_inert_wherever_staff_look(app: Flask, stranger: dict[str, object]) -> None:
    make_staff()
    client = app.test_client()
    sign_in(client)
    adapter, showed = app.url_map.bind("localhost"), set()
    for endpoint, _, arguments in staff_pages(app):
        if not set(arguments) <= set(stranger):
            continue
        path = adapter.build(endpoint, {name: stranger[name] for name in arguments})
        for query in ({}, {"q": MARK}):
            answer = client.get(path, query_string=query)
            assert answer.status_code < 500, path
            if answer.mimetype == "text/html":
                assert alive(answer.text) == [], path
            elif answer.mimetype == "text/csv":
                assert_no_formula(answer.text, path)
            if answer.mimetype.startswith(("text/", "application/json")) and f"{MARK}(1)" in answer.text:
                showed.add(endpoint)
    # The net must catch something: the person, the request, the reason for leaving, the proof.
    assert {"contacts.index", "contacts.page", "requests.index", "requests.page", "permissions.export"} <= showed


def test_row_64_the_persons_own_pages_and_files_hold_it_as_text(
    client: FlaskClient, stranger: dict[str, object]
) -> None:
    door = str(stranger["door"])
    for path in ("", "/details", "/data", "/data.html", "/mails", "/address", "/object", "/erase"):
        answer = client.get(door + path)
        assert answer.status_code == 200 and alive(answer.text) == [], path
    assert_no_formula(client.get(f"{door}/data.csv").text, "data.csv")
    for path in (f"/preferences/{stranger['token']}", f"/unsubscribe/{stranger['token']}"):
        assert MARK not in client.get(path).text.lower()  # a mail's link shows nothing of it at all


def assert_no_formula(table: str, where: str) -> None:
    """Row 66: no cell that a spreadsheet would compute."""
    for row in csv.reader(io.StringIO(table)):
        for cell in row:
            plain = cell.lstrip(" \t\r\n\ufeff")
            assert not plain or plain[0] not in "=+@＝＋－＠" or plain == "+", (where, cell[:80])
            assert not plain.startswith("-") or re.fullmatch(r"-[\d.]*", plain), (where, cell[:80])
