"""The pages of staff: topics, forms, suppressions, and permission on the contact page."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient

from app.accounts.policy import Role
from app.brands.queries import brands
from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from consent.policy.ladder import Level, State
from consent.policy.profiles import PROFILES
from consent.queries import forms, permissions, topics
from tests.consent.conftest import Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in


@pytest.fixture
def staff(client: FlaskClient, stage: Stage) -> FlaskClient:
    make_staff()
    sign_in(client)
    return client


def test_a_topic_is_created_changed_and_put_aside(staff: FlaskClient, stage: Stage) -> None:
    given = {"brand_id": stage.brand, "name_en": "Events", "name_fr": "Événements", "purpose": "events", "public": "y"}
    given |= {"rules": "eu"}
    assert staff.post("/topics/new", data={**given, "accepts_eu": []}).status_code == 422
    assert staff.post("/topics/new", data={**given, "accepts_eu": ["b2b_interest@opt_out"]}).status_code == 422
    assert staff.post("/topics/new", data={**given, "accepts_eu": ["consent@opt_in"]}).status_code == 302
    with unit_of_work() as session:
        made = topics.by_slug(session, "events")
    assert made.accepts == {"eu": ("consent@confirmed", "consent@opt_in")} and made.name("fr") == "Événements"
    assert "consent · opt-in" in staff.get("/topics").text
    both = {**given, "accepts_eu": ["consent@confirmed", "soft_opt_in@opt_out"]}
    assert staff.post(f"/topics/{made.id}/edit", data=both).status_code == 302
    with unit_of_work() as session:
        assert topics.topic(session, made.id).accepts == {}
    staff.post(f"/topics/{made.id}/archive")
    with unit_of_work() as session:
        assert topics.topic(session, made.id).archived_at is not None


def test_a_topic_shows_the_brands_rules_and_bounds_those_of_other_countries(staff: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        british = make.make_brand(session, "Harbour", profile="uk")
    page = staff.get(f"/topics/new?brand_id={british}").text
    assert "Harbour follows the rules of: United Kingdom." in page
    assert 'value="charity_support@opt_out"' in page.partition("People in other countries")[0]
    assert page.index('name="rules" value="uk"') < page.index('name="rules" value="eu"')
    ticked = re.findall(r'<input checked[^>]*name="(accepts_\w+)"[^>]*value="([^"]+)"', page)
    assert ("accepts_uk", "consent@opt_in") not in ticked and ("accepts_fr", "consent@opt_in") in ticked
    given = {"brand_id": british, "name_en": "Appeals", "purpose": "fundraising", "rules": ["uk", "fr", "de"]}
    given |= {"accepts_uk": ["consent@confirmed", "charity_support@opt_out"], "accepts_fr": ["consent@confirmed"]}
    given |= {"accepts_de": ["consent@confirmed", "soft_opt_in@opt_out"]}
    assert "look at them once more" in staff.post("/topics/new", data={**given, "rules": ["eu", "uk"]}).text
    assert staff.post("/topics/new", data=given).status_code == 302
    with unit_of_work() as session:
        lists = topics.by_slug(session, "appeals").accepts
    assert set(lists) == {"uk", "fr"} and lists["fr"] == ("consent@confirmed",)


def test_a_brand_chooses_its_rules_and_reads_what_they_mean(staff: FlaskClient, stage: Stage) -> None:
    page = staff.get(f"/settings/brands/{stage.brand}").text
    assert "sole traders count as people" in page and "no legal advice" in page
    found = re.findall(r'<input[^>]*name="profile"[^>]*value="(\w+)"', page)
    assert found == list(PROFILES)
    with unit_of_work() as session:
        brand = brands.brand(session, stage.brand)
    given = {"name": brand.name, "postal_address": brand.postal_address, "colour": brand.colour, "language": "en"}
    given |= {"time_zone": brand.time_zone, "currency": brand.currency}
    assert staff.post(f"/settings/brands/{stage.brand}", data={**given, "profile": "atlantis"}).status_code == 422
    assert staff.post(f"/settings/brands/{stage.brand}", data={**given, "profile": "de"}).status_code == 302
    assert "Germany" in staff.get("/settings/brands").text


def test_the_contact_page_names_the_rules_that_decide(staff: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        one = make.make_contact(session, country="DE")
        make.grant(session, one, stage.news, level=Level.OPT_IN)
    page = staff.get(f"/contacts/{one}").text
    assert "rules: Europe, strict + Germany" in page
    assert "What would suffice: soft opt-in · opt-out; consent · confirmed." in page


def test_a_forms_words_keep_every_version(staff: FlaskClient, stage: Stage) -> None:
    page = staff.get("/forms/new").text
    assert "I would like to receive e-mails from Maison Exemple" in page
    texts = {f"{kind}_{code}": f"{kind} {code}" for kind in forms.KINDS for code in ("en", "fr")}
    texts |= {f"notice_{code}": f"{{controller}}, {{contact}} {code}" for code in ("en", "fr")}
    given = {"name": "Fair", "topic_ids": [stage.news], "asks_tracking": "y", "active": "y", **texts}
    assert staff.post("/forms/new", data={**given, "topic_ids": []}).status_code == 422
    assert staff.post("/forms/new", data=given).status_code == 302
    with unit_of_work() as session:
        made = forms.by_slug(session, "fair")
    staff.post(f"/forms/{made.id}", data={**given, "consent_en": "better words"})
    staff.post(f"/forms/{made.id}", data={**given, "consent_en": "better words"})
    with unit_of_work() as session:
        found = [(text.version, text.text) for text in forms.versions(session, made.id) if text.kind == "consent"]
        assert sorted(found) == [(1, "consent en"), (1, "consent fr"), (2, "better words")]
    assert "better words" in staff.get("/subscribe/fair?lang=en").text
    assert "consent fr" in staff.get("/subscribe/fair?lang=fr").text


def test_suppressions_are_found_by_exact_address_only(staff: FlaskClient) -> None:
    given = {"kind": "address", "value": "Ada@example.com", "source": "asked by phone"}
    assert staff.post("/suppressions", data=given).status_code == 302
    assert staff.post("/suppressions", data={"kind": "domain", "value": "nonsense", "source": "x"}).status_code == 422
    staff.post("/suppressions", data={"kind": "pattern", "value": "info@*", "source": "role addresses"})
    page = staff.get("/suppressions").text
    assert "ada@" not in page.lower() and "info@*" in page
    assert "asked by phone" in staff.get("/suppressions?q=ada@example.com").text
    assert "not suppressed" in staff.get("/suppressions?q=bob@example.com").text
    assert staff.post("/suppressions/1/lift", data={"why": ""}).status_code == 422
    assert staff.post("/suppressions/1/lift", data={"why": "asked again"}).status_code == 302


def test_the_contact_page_shows_permission_and_lets_staff_end_it(staff: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        one = make.permitted_contact(session, stage.news, "ada@example.com")
        make.track(session, one, stage.brand)
    page = staff.get(f"/contacts/{one}").text
    assert "1 entry in the ledger" in page and "source: test" in page
    staff.post(f"/contacts/{one}/permissions/withdraw", data={"topic": stage.news})
    staff.post(f"/contacts/{one}/permissions/tracking", data={"brand": stage.brand})
    with unit_of_work() as session:
        assert permissions.of_contact(session, one)[stage.news].state is State.WITHDRAWN
        assert permissions.tracking_of_contact(session, one) == {stage.brand: False}
    assert f"/contacts/{one}/permissions/withdraw" not in staff.get(f"/contacts/{one}").text
    staff.post(f"/contacts/{one}/permissions/object")
    proof = json.loads(staff.get(f"/contacts/{one}/permissions/proof.json").text)
    assert [event["action"] for event in proof["events"]][-1] == "object"
    staff.post(f"/contacts/{one}/permissions/erase")
    with unit_of_work() as session:
        assert contact(session, one).email is None


def test_an_analyst_sees_and_changes_nothing(client: FlaskClient, stage: Stage) -> None:
    make_staff(Role.ANALYST)
    sign_in(client, "analyst@example.com")
    assert client.get("/topics").status_code == 200
    assert client.get("/topics/new").status_code == 403
    with unit_of_work() as session:
        one = make.permitted_contact(session, stage.news)
    assert client.post(f"/contacts/{one}/permissions/withdraw", data={"topic": stage.news}).status_code == 403


def test_row_64_markup_in_names_is_shown_as_text(staff: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        make.make_topic(session, stage.brand, "<script>alert(1)</script>")
        one = make.permitted_contact(session, stage.news)
    for path in ("/topics", f"/contacts/{one}", f"/preferences/{stage.permission_token(one)}"):
        assert "<script>alert" not in staff.get(path).text


def test_the_ledger_never_names_a_topic_that_is_not_there(staff: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        one = make.permitted_contact(session, stage.news)
    assert staff.post(f"/contacts/{one}/permissions/withdraw", data={"topic": 9999}).status_code == 404
    assert staff.get(f"/contacts/{one}/permissions/proof.json").status_code == 200
