from __future__ import annotations

from flask.testing import FlaskClient

from app.accounts import queries as accounts
from app.accounts.policy import Role
from app.brands.queries import brands, sending
from app.core.db import unit_of_work
from tests.factories.accounts import make_staff

FILLED = {
    "name": "Ana Moreau",
    "email": "ana@example.com",
    "password": "four small words here",
    "legal_name": "Maison Lumière SAS",
    "postal_address": "12 rue des Tanneurs, Lyon",
    "contact_email": "privacy@lumiere.example",
    "brand": "Maison Lumière",
    "sender_email": "bonjour@lumiere.example",
    "language": "fr",
    "time_zone": "Europe/Paris",
}


def test_the_first_person_opens_the_door(client: FlaskClient) -> None:
    assert client.get("/sign-in").location == "/welcome"
    assert client.get("/welcome").status_code == 200
    assert client.post("/welcome", data=FILLED).location == "/"
    assert client.get("/account").status_code == 200
    with unit_of_work() as session:
        (member,) = accounts.staff(session)
        (brand,) = brands.all_brands(session)
        controller = brands.controller(session)
        identity = sending.default_identity(session, brand.id)
    assert (member.email, member.role, member.language) == ("ana@example.com", Role.ADMINISTRATOR, "fr")
    assert controller and controller.legal_name == "Maison Lumière SAS"
    assert (brand.slug, brand.language) == ("maison-lumiere", "fr")
    assert identity.from_email == "bonjour@lumiere.example"


def test_nothing_is_half_done_when_something_is_wrong(client: FlaskClient) -> None:
    answer = client.post("/welcome", data={**FILLED, "password": "ana@example.com"})
    assert answer.status_code == 422
    assert "easy to guess" in answer.get_data(as_text=True)
    with unit_of_work() as session:
        assert not accounts.anyone(session)
        assert brands.all_brands(session) == []


def test_there_is_no_second_first_run(client: FlaskClient) -> None:
    make_staff()
    assert client.get("/welcome").location == "/sign-in"
    assert client.post("/welcome", data=FILLED).status_code == 409
    with unit_of_work() as session:
        assert len(accounts.staff(session)) == 1
