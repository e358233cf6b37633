"""What a form shows before anybody agrees, and what of it is kept as proof."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.brands.services.set_up import set_controller
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import by_address
from consent.policy import notice, sources
from consent.queries import forms, permissions, proof
from consent.services import forms as service
from consent.services.forms import FormSpec, default_texts
from tests.consent.conftest import Mailbox, Stage, shown_token
from tests.factories.accounts import make_staff, sign_in

SignUp = Callable[..., object]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_row_72_the_form_tells_who_why_how_long_and_rights(client: FlaskClient, stage: Stage, language: str) -> None:
    page = client.get(f"/subscribe/{stage.form}?lang={language}").text
    told = {
        "en": ("offers and products", "article 6(1)(a)", "until you withdraw it", "erase your data", "authority"),
        "fr": ("offres et produits", "base légale", "jusqu’à ce retrait", "effacer vos données", "CNIL"),
    }[language]
    for words in ("Example SAS", "dpo@example.com", "1 rue de l&#39;Exemple, Paris", *told):
        assert words in page, words


def test_row_72_a_form_that_does_not_say_who_asks_is_refused(client: FlaskClient, stage: Stage) -> None:
    texts = default_texts("Maison Exemple")
    for wrong, why in (("We promise. {contact}", "controller"), ("{controller} {contact} {sender}", "sender")):
        spec = FormSpec("Bad", stage.brand, (stage.news,), texts={**texts, "notice": {"en": wrong}})
        with unit_of_work() as session, pytest.raises(InvalidInput, match=why) as refused:
            service.create(session, spec)
        assert refused.value.field == "notice"


def test_row_72_the_proof_keeps_the_notice_as_it_was_read(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    sign_up("ada@example.com")
    run_jobs()
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        set_controller(session, legal_name="Another SA", postal_address="Elsewhere", contact_email="new@example.com")
    sign_up("bob@example.com")
    run_jobs()
    client.post(mailbox.confirm_path())
    told = []
    with unit_of_work() as session:
        for name in ("ada", "bob"):
            found = by_address(session, f"{name}@example.com")
            assert found is not None
            events = proof.proof(session, found.id)["events"]
            assert isinstance(events, list)
            told.append([event["told"] for event in events])
    assert [entry["version"] for entry in told[0]] == [1, 1]  # of the request and of the confirmation
    assert "Example SAS" in told[0][0]["text"] and "erase your data" in told[0][0]["text"]
    assert told[1][0]["version"] == 2 and "Another SA" in told[1][0]["text"]


def test_words_that_changed_since_the_form_was_shown_are_shown_again(
    client: FlaskClient, stage: Stage, sign_up: SignUp
) -> None:
    token = shown_token(client, stage.form)
    with unit_of_work() as session:
        known = forms.by_slug(session, stage.form)
        texts = {kind: {"en": known.text(kind, "en")} for kind in forms.KINDS}
        texts["consent"] = {"en": "Write to me twice a day."}
        spec = FormSpec("Home page", stage.brand, (stage.news, stage.offers), texts=texts)
        service.update(session, known.id, spec)
    answer = sign_up("ada@example.com", form_token=token)
    assert answer.status_code == 422 and "have just changed" in answer.text and "twice a day" in answer.text
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM sign_up")).scalar_one() == 0
    assert sign_up("ada@example.com").status_code == 200


def test_row_38_no_box_is_ticked_and_tracking_is_asked_apart(client: FlaskClient, stage: Stage) -> None:
    page = client.get(f"/subscribe/{stage.form}?topic={stage.news}&tracking=yes").text
    assert page.count('type="checkbox"') == 3 and "checked" not in page
    assert 'name="tracking"' in page


def test_row_38_a_form_asks_for_the_address_alone_unless_fields_are_added(client: FlaskClient, stage: Stage) -> None:
    def asked() -> set[str]:
        page = client.get(f"/subscribe/{stage.form}").text
        return set(re.findall(r'<(?:input|select)[^>]*? name="(\w+)"', page)) - {"form_token", "language", "homepage"}

    assert asked() == {"email", "topic", "tracking"}
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET fields = '{first_name}', topic_ids = topic_ids[1:1]"))
    assert asked() == {"email", "first_name", "tracking"}


def test_the_source_of_a_sign_up_is_kept_as_evidence(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    token = shown_token(
        client, stage.form, query="source=Spring+flyer%3Cb%3E", Referer="https://www.shop.example/a?b=c"
    )
    sign_up("ada@example.com", form_token=token)
    run_jobs()
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        for entry in permissions.entries(session, found.id):
            assert entry.evidence["source"] == "Spring flyer b"
            assert entry.evidence["referrer"] == "shop.example"


@pytest.mark.parametrize(
    ("referer", "host"),
    [
        ("https://www.shop.example:8443/a/b?email=ada@example.com", "shop.example"),
        ("http://localhost/forms/1", ""),
        ("https://ada:secret@shop.example/", "shop.example"),
        ("javascript:alert(1)", ""),
        ("http://[::1", ""),
        ("https://<script>/", ""),
        ("", ""),
    ],
)
def test_of_a_referrer_only_the_host_is_kept(referer: str, host: str) -> None:
    assert sources.host(referer, "localhost") == host


def test_a_notice_is_filled_in_and_never_a_template() -> None:
    facts = notice.Facts("{brand} & Sons", "B", ("news",), "a@example.com", "Here\n{contact}", "")
    filled = notice.fill("{controller}, {address}; {unknown} {privacy}", facts, "en")
    assert filled == "{brand} & Sons, Here, {contact}; {unknown}"


def test_staff_see_the_notice_in_the_editor_and_every_version_of_it(
    client: FlaskClient, stage: Stage, sign_up: SignUp
) -> None:
    sign_up("ada@example.com")
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        form_id = forms.by_slug(session, stage.form).id
    page = client.get(f"/forms/{form_id}").text
    assert "{controller} uses your address" in page and "Example SAS uses your address" in page
