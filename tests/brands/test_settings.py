from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.brands.queries import brands, sending
from app.brands.services import set_up
from app.core.db import unit_of_work
from app.mail.dkim import Signer
from consent.policy.profiles import PROFILES
from tests.factories.accounts import make_staff, sign_in

BRAND = {
    "name": "Harbour & Hill",
    "postal_address": "4 Quay Street, Bristol",
    "website": "https://harbour.example",
    "colour": "#2b5c8a",
    "language": "en",
    "time_zone": "Europe/London",
    "currency": "GBP",
    "profile": "eu",
}


@pytest.fixture
def admin(client: FlaskClient) -> FlaskClient:
    make_staff()
    sign_in(client)
    return client


def test_a_brand_is_created_and_changed(admin: FlaskClient) -> None:
    assert admin.post("/settings/brands/new", data=BRAND).status_code == 302
    with unit_of_work() as session:
        (brand,) = brands.all_brands(session)
    assert (brand.slug, brand.currency, brand.tracking_default) == ("harbour-hill", "GBP", False)
    url = f"/settings/brands/{brand.id}"
    assert "Harbour &amp; Hill" in admin.get(url).get_data(as_text=True)
    assert admin.post(url, data={**BRAND, "currency": "EUR"}).status_code == 302
    with unit_of_work() as session:
        assert brands.brand(session, brand.id).currency == "EUR"


@pytest.mark.parametrize("profile", list(PROFILES))
def test_row_46_only_rules_that_do_not_ask_first_let_a_brand_measure_by_default(
    admin: FlaskClient, profile: str
) -> None:
    given = {**BRAND, "profile": profile, "tracking_default": "y"}
    made = admin.post("/settings/brands/new", data=given)
    assert made.status_code == (302 if profile == "us" else 422)
    if profile == "us":
        with unit_of_work() as session:
            (brand,) = brands.all_brands(session)
        # Nor by the way of other rules.
        page = admin.post(f"/settings/brands/{brand.id}", data={**given, "profile": "eu"})
        assert page.status_code == 422 and 'id="tracking_default-error"' in page.get_data(as_text=True)
    else:
        assert 'id="tracking_default-error"' in made.get_data(as_text=True)


def test_a_wrong_value_is_said_at_its_field(admin: FlaskClient) -> None:
    answer = admin.post("/settings/brands/new", data={**BRAND, "colour": "reddish"})
    assert answer.status_code == 422
    assert 'id="colour-error"' in answer.get_data(as_text=True)


def test_a_sender_shows_the_records_to_publish(admin: FlaskClient) -> None:
    with unit_of_work() as session:
        brand_id = set_up.create_brand(session, set_up.BrandDetails(name="Harbour", postal_address="Bristol"))
    data = {"brand": brand_id, "name": "Harbour", "email": "hello@harbour.example"}
    assert admin.post("/settings/senders", data=data).status_code == 302
    with unit_of_work() as session:
        (domain,) = sending.domains(session)
    page = admin.get("/settings/senders").get_data(as_text=True)
    assert f"{domain.selector}._domainkey.harbour.example" in page
    assert domain.dkim_record in page


def test_the_controller(admin: FlaskClient) -> None:
    data = {"legal_name": "Harbour Ltd", "postal_address": "Bristol", "contact_email": "privacy@harbour.example"}
    assert admin.post("/settings/controller", data={**data, "contact_email": "nobody"}).status_code == 422
    assert admin.post("/settings/controller", data=data).status_code == 302
    assert "Harbour Ltd" in admin.get("/settings/controller").get_data(as_text=True)


def test_a_brand_has_a_style_sheet_of_its_own(admin: FlaskClient) -> None:
    with unit_of_work() as session:
        set_up.create_brand(session, set_up.BrandDetails(name="Harbour", postal_address="Bristol", colour="#2b5c8a"))
    answer = admin.get("/look/harbour.css")
    assert answer.mimetype == "text/css"
    assert "#2b5c8a" in answer.get_data(as_text=True)


def test_row_18_an_international_domain_signs_under_its_a_labels(admin: FlaskClient) -> None:
    admin.post("/settings/brands/new", data=BRAND)
    with unit_of_work() as session:
        (brand,) = brands.all_brands(session)
        identity = sending.identity(
            session, set_up.create_sender(session, brand.id, name="Bücher", email="news@bücher.example")
        )
    assert (identity.domain, identity.return_path_domain) == ("xn--bcher-kva.example", "bounces.xn--bcher-kva.example")
    assert Signer(identity.private_key_pem, identity.domain, identity.selector).domain == identity.domain
