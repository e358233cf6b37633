"""Every staff page that shows a person's data leaves a line in the access log.

Two nets: a view about a contact wears ``shows_people``; and a person with an unmistakable name is put wherever people
stand, every staff page is opened, and one that shows the name must have written who looked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.views.guard import access_of
from app.accounts.views.reading import look_of
from app.core import config
from app.core.db import unit_of_work
from app.customers.services.importing import batches, forgetting
from app.customers.services.importing.source import inspect
from app.mail import outbox as mails
from app.web.views import outbox
from consent.policy.requests import Channel, Kind
from consent.services.requests.filing import Asked, Details, file
from tests.factories import campaigns as make_campaigns
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

MARK = "quorkfeather"
ADDRESS = f"{MARK}@example.com"


@pytest.fixture
def every(app: Flask) -> Flask:
    """The application with the views that only some deployments have."""
    if "outbox" not in app.blueprints:
        app.register_blueprint(outbox.blueprint)
    return app


@pytest.fixture
def known(every: Flask) -> dict[str, object]:
    """The arguments by which pages about the marked person are found."""
    with unit_of_work() as session:
        campaign = make_campaigns.make_campaign(session)
        segment = make_campaigns.make_segment(session)
        person = make.permitted_contact(session, campaign.topic_id, ADDRESS, first_name=MARK.title())
        path = forgetting.folder() / "people.csv"
        path.write_text(f"email,first_name\n{ADDRESS},{MARK}\n")
        batch = batches.create(session, inspect(path, path.parent), "people.csv")
        asked = file(session, Asked(Kind.ACCESS, Channel.LETTER, Details(MARK, ADDRESS)))
    folder = mails.folder_of(config.current().var)
    folder.mkdir(parents=True, exist_ok=True)
    mail = mails.store(folder, b"news@example.com", [ADDRESS.encode()], f"To: {ADDRESS}\r\n\r\nHello".encode())
    return {
        "contact_id": person,
        "campaign_id": campaign.id,
        "segment_id": segment,
        "batch_id": batch,
        "request_id": asked,
        "mail_id": mail.removesuffix(".eml"),
        "form": "csv",
        "language": "en",
    }


def staff_pages(app: Flask) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Endpoint, rule and arguments of every page that only staff may open."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or "GET" not in (rule.methods or set()):
            continue
        access = access_of(app.view_functions[rule.endpoint])
        if access is not None and not access.public:
            yield rule.endpoint, rule.rule, tuple(sorted(rule.arguments))


def test_row_43_a_page_about_a_contact_says_how_it_shows_them(every: Flask) -> None:
    silent = [
        endpoint
        for endpoint, _, arguments in staff_pages(every)
        if "contact_id" in arguments and look_of(every.view_functions[endpoint]) is None
    ]
    assert silent == [], "these pages need @shows_people (app.accounts.views.reading)"


def test_row_43_no_page_shows_a_person_without_a_line(every: Flask, known: dict[str, object]) -> None:
    make_staff()
    client: FlaskClient = every.test_client()
    sign_in(client)
    shown = set()
    with every.test_request_context():
        addresses = every.url_map.bind("localhost")
    for endpoint, _, arguments in staff_pages(every):
        if not set(arguments) <= set(known):
            continue
        path = addresses.build(endpoint, {name: known[name] for name in arguments})
        query = {"q": ADDRESS, "address": ADDRESS, "contact": known["contact_id"], "as": known["contact_id"]}
        for asked in ({}, query):
            with unit_of_work() as session:
                session.execute(text("DELETE FROM access_entry"))
            answer = client.get(path, query_string=asked)
            # What the visitor typed themselves comes back in the field they typed it into.
            body = answer.get_data().decode(errors="replace").lower().replace(f'value="{ADDRESS}"', "")
            printed = answer.mimetype == "application/pdf"  # its text is compressed, so each one counts
            if answer.status_code != 200 or (MARK not in body and not printed):
                continue
            shown.add(endpoint)
            with unit_of_work() as session:
                lines = session.scalar(text("SELECT count(*) FROM access_entry"))
            assert lines == 1, f"{path} ({endpoint}) shows a person and writes no line: @shows_people and saw()"
    # The net must catch something, or it has a hole.
    assert {
        "contacts.index",
        "contacts.page",
        "contacts.export",
        "imports.page",
        "outbox.mail",
        "requests.page",
    } <= shown
    assert {"permissions.export", "permissions.download", "campaigns.explain_person"} & shown


def test_row_43_the_sample_of_a_segment_leaves_a_line(every: Flask, known: dict[str, object]) -> None:
    make_staff()
    client: FlaskClient = every.test_client()
    sign_in(client)
    sample = client.post("/segments/count", data={"definition": '{"all": []}'})
    assert MARK in sample.get_data(as_text=True).lower()
    with unit_of_work() as session:
        assert session.scalars(text("SELECT look FROM access_entry")).all() == ["listed"]
