from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.accounts import queries
from app.accounts.models import RoleGrant
from app.accounts.policy import Role
from app.accounts.services import staff
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput
from tests.factories.accounts import make_staff, sign_in
from tests.factories.consent import make_brand


def test_inviting_shows_a_link_that_leads_in(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    data = {"name": "Léo Petit", "email": "leo@example.com", "role": "analyst", "language": "fr"}
    page = client.post("/settings/staff", data=data).get_data(as_text=True)
    link = re.search(r"http://localhost(/set-password/[\w.-]+)", page)
    assert link
    assert client.get(link.group(1)).status_code == 200
    with unit_of_work() as session:
        assert [(m.name, m.role, m.language) for m in queries.staff(session)] == [
            ("Administrator", Role.ADMINISTRATOR, "en"),
            ("Léo Petit", Role.ANALYST, "fr"),
        ]


def test_an_address_has_one_account(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    data = {"name": "Twice", "email": "Administrator@Example.com", "role": "viewer", "language": "en"}
    answer = client.post("/settings/staff", data=data)
    assert answer.status_code == 409
    assert "has an account already" in answer.get_data(as_text=True)


def test_the_last_administrator_stays(client: FlaskClient) -> None:
    only = make_staff()
    sign_in(client)
    assert client.post(f"/settings/staff/{only}/role", data={"role": "viewer"}).status_code == 409
    assert client.post(f"/settings/staff/{only}/active").status_code == 409
    second = make_staff(Role.VIEWER)
    assert client.post(f"/settings/staff/{second}/role", data={"role": "administrator"}).status_code == 302
    assert client.post(f"/settings/staff/{only}/role", data={"role": "viewer"}).status_code == 302


def test_a_role_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    staff_id = make_staff()
    sign_in(client)
    assert client.post(f"/settings/staff/{staff_id}/role", data={"role": "emperor"}).status_code == 422


def test_closing_and_opening_an_account(client: FlaskClient) -> None:
    make_staff()
    other = make_staff(Role.MARKETER)
    sign_in(client)
    client.post(f"/settings/staff/{other}/active")
    with unit_of_work() as session:
        assert [member.active for member in queries.staff(session)] == [True, False]
    client.post(f"/settings/staff/{other}/active", data={"active": "1"})
    with unit_of_work() as session:
        assert all(member.active for member in queries.staff(session))


def test_the_trail_says_who_did_what_and_can_only_grow(client: FlaskClient) -> None:
    make_staff()
    other = make_staff(Role.VIEWER)
    sign_in(client)
    client.post(f"/settings/staff/{other}/role", data={"role": "analyst"})
    page = client.get("/settings/audit").get_data(as_text=True)
    assert "changed role" in page
    assert "role: analyst" in page


def test_creating_with_bad_values(client: FlaskClient) -> None:
    make_staff()
    with unit_of_work() as session:
        with pytest.raises(InvalidInput, match="not an e-mail address"):
            staff.invite(session, "nobody", "Nobody", Role.VIEWER)
        with pytest.raises(InvalidInput, match="languages"):
            staff.invite(session, "a@example.com", "A", Role.VIEWER, "it")
        with pytest.raises(Conflict):
            staff.invite(session, "administrator@example.com", "A", Role.VIEWER)


def test_everyone_changes_their_own_name_and_language(client: FlaskClient) -> None:
    make_staff(Role.VIEWER)
    sign_in(client, "viewer@example.com")
    assert client.post("/account", data={"name": "Véra", "language": "fr"}).status_code == 302
    assert "Votre compte" in client.get("/account").get_data(as_text=True)


def test_a_role_for_one_brand_does_not_count_for_all(db: Engine) -> None:
    one = make_staff(Role.VIEWER)
    with unit_of_work() as session:
        brand = make_brand(session)
        session.add(RoleGrant(staff_id=one, brand_id=brand, role="administrator"))
    with unit_of_work() as session:
        found = queries.open_session(session, one, 0)
    assert found is not None and found.role is Role.VIEWER
