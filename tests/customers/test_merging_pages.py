"""Merging on the pages and on the command line."""

from __future__ import annotations

import json

from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.policy import Role
from app.core.db import unit_of_work
from app.customers.commands import contacts as commands
from app.customers.queries.contacts import contact
from tests.factories.accounts import make_staff, sign_in
from tests.factories.consent import make_brand, make_topic, permitted_contact
from tests.factories.customers import make_contact


def two() -> tuple[int, int]:
    with unit_of_work() as session:
        topic = make_topic(session, make_brand(session))
        kept = permitted_contact(session, topic, "ada@example.com", first_name="Ada")
        return kept, make_contact(session, "ada.l@example.org", first_name="Augusta", last_name="Lovelace")


def signed_in(client: FlaskClient, role: Role = Role.MARKETER) -> None:
    make_staff(role)
    sign_in(client, f"{role}@example.com")


def test_the_preview_shows_both_and_changes_nothing(client: FlaskClient) -> None:
    kept, other = two()
    signed_in(client)
    page = client.get(f"/contacts/{kept}/merge/{other}")
    assert page.status_code == 200
    for shown in ("ada@example.com", "ada.l@example.org", "Augusta", "Lovelace", 'name="first_name" value="folded"'):
        assert shown in page.text
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM contact_alias")) == 0
        assert session.scalar(text("SELECT count(*) FROM permission_event WHERE action = 'merge'")) == 0
        assert contact(session, other).merged_into is None


def test_merge_and_undo(client: FlaskClient) -> None:
    kept, other = two()
    signed_in(client)
    done = client.post(f"/contacts/{kept}/merge/{other}", data={"first_name": "folded"}, follow_redirects=True)
    assert "Augusta Lovelace" in done.text and "ada.l@example.org" in done.text
    assert client.get(f"/contacts/{other}").headers["Location"].endswith(f"/contacts/{kept}")
    found = client.get("/contacts?q=ada.l@example.org").text
    assert f'href="/contacts/{kept}"' in found and f'href="/contacts/{other}"' not in found
    assert "1 contact" in client.get("/contacts").text
    client.post(f"/contacts/{other}/unmerge")
    with unit_of_work() as session:
        assert contact(session, kept).first_name == "Ada"
        assert contact(session, other).merged_into is None
        trail = session.execute(text("SELECT action, detail FROM audit_entry WHERE subject = 'contact' ORDER BY id"))
        assert [(row.action, row.detail) for row in trail][-2:] == [
            ("merged", {"folded": other}),
            ("undid merge", {"folded": other}),
        ]


def test_the_other_contact_is_looked_for(client: FlaskClient) -> None:
    kept, other = two()
    signed_in(client)
    page = client.get(f"/contacts/{kept}/merge?q=ada").text
    assert f"/contacts/{kept}/merge/{other}" in page and f"/contacts/{kept}/merge/{kept}" not in page


def test_who_is_merged_already_is_not_merged_again(client: FlaskClient) -> None:
    kept, other = two()
    signed_in(client)
    client.post(f"/contacts/{kept}/merge/{other}")
    page = client.get(f"/contacts/{kept}/merge/{other}", follow_redirects=True)
    assert f"Contact {other} is merged into contact {kept}." in page.text
    assert client.post(f"/contacts/{kept}/merge/{other}").status_code == 409
    client.post(f"/contacts/{other}/unmerge")
    assert client.post(f"/contacts/{other}/unmerge").status_code == 409


def test_analysts_merge_nobody(client: FlaskClient) -> None:
    kept, other = two()
    signed_in(client, Role.ANALYST)
    assert client.post(f"/contacts/{kept}/merge/{other}").status_code == 403
    assert client.get(f"/contacts/{kept}/merge/{other}").status_code == 403


def test_on_the_command_line(client: FlaskClient) -> None:
    kept, other = two()
    done = CliRunner().invoke(commands, ["merge", str(kept), str(other), "--take", "first_name"])
    assert json.loads(done.stdout) == {"kept": kept, "folded": other}
    with unit_of_work() as session:
        assert contact(session, kept).first_name == "Augusta"
    done = CliRunner().invoke(commands, ["unmerge", str(other)])
    assert json.loads(done.stdout) == {"kept": kept, "folded": other}
    assert CliRunner().invoke(commands, ["unmerge", str(other)]).exit_code != 0
