"""A form on somebody else's site: plain HTML that posts to us, and the words for the script."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.db import unit_of_work
from consent.queries import forms
from tests.consent.conftest import Mailbox, Stage, shown_token
from tests.factories.accounts import make_staff, sign_in

ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example", "Referer": "https://shop.example/"}


def kept() -> list[tuple[str, str]]:
    with unit_of_work() as session:
        return [tuple(row) for row in session.execute(text("SELECT email, referrer FROM sign_up ORDER BY id"))]


@pytest.mark.parametrize("headers", [ELSEWHERE, {"Origin": "https://shop.example"}, {}])
def test_a_plain_form_elsewhere_leads_to_our_page_and_writes_nothing(
    client: FlaskClient, stage: Stage, headers: dict[str, str]
) -> None:
    sent = {"email": "ada@example.com", "topic": [stage.news], "tracking": "yes"}
    page = client.post(f"/subscribe/{stage.form}", data=sent, headers=headers)
    assert page.status_code == 200 and 'value="ada@example.com"' in page.text and "One more step" in page.text
    assert kept() == [] and "Set-Cookie" not in page.headers


def test_row_38_what_another_site_ticked_is_not_ticked_on_ours(client: FlaskClient, stage: Stage) -> None:
    sent = {"email": "ada@example.com", "topic": [stage.news], "tracking": "yes"}
    assert "checked" not in client.post(f"/subscribe/{stage.form}", data=sent, headers=ELSEWHERE).text


def test_row_59_a_good_token_does_not_let_another_site_send_for_its_visitors(
    client: FlaskClient, stage: Stage, sign_up: Callable[..., object]
) -> None:
    token = shown_token(client, stage.form)
    sent = {"form_token": token, "email": "ada@example.com", "topic": [stage.news]}
    assert "One more step" in client.post(f"/subscribe/{stage.form}", data=sent, headers=ELSEWHERE).text
    assert kept() == []


def test_the_words_for_the_script_come_to_any_site_and_without_a_cookie(client: FlaskClient, stage: Stage) -> None:
    answer = client.get(f"/embed/{stage.form}?lang=fr", headers=ELSEWHERE)
    assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Set-Cookie" not in answer.headers
    assert answer.json["lang"] == "fr" and len(answer.json["topics"]) == 2
    told = "".join(part["text"] for paragraph in answer.json["notice"] for part in paragraph)
    assert "Example SAS" in told and "vos données" in told
    links = [part["href"] for paragraph in answer.json["notice"] for part in paragraph if "href" in part]
    assert links == ["mailto:dpo@example.com"]
    assert client.get("/embed/nothing").status_code == 404


def test_the_script_sends_as_the_page_does(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    token = shown_token(client, stage.form, Referer="https://shop.example/")
    sent = {"form_token": token, "language": "en", "email": "not one", "topic": [stage.news]}
    wrong = client.post(f"/embed/{stage.form}", data=sent, headers=ELSEWHERE)
    assert wrong.status_code == 422 and "not a valid" in wrong.json["errors"]["email"]
    assert wrong.headers["Access-Control-Allow-Origin"] == "*" and wrong.json["token"] == token
    done = client.post(f"/embed/{stage.form}", data={**sent, "email": "ada@example.com"}, headers=ELSEWHERE)
    assert done.status_code == 200 and done.json["taken"] is True
    assert kept() == [("ada@example.com", "shop.example")]
    run_jobs()
    assert len(mailbox.mails) == 1


def test_the_script_has_an_address_that_lasts_and_is_small(client: FlaskClient) -> None:
    answer = client.get("/embed/anything.js")
    assert answer.status_code == 200 and answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert len(answer.data) < 12_000 and b"document.cookie" not in answer.data


def test_staff_copy_snippets_and_print_a_code(client: FlaskClient, stage: Stage) -> None:
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        form_id = forms.by_slug(session, stage.form).id
        session.execute(
            text(
                "INSERT INTO wording (form_id, kind, language, version, text)"
                " SELECT form_id, kind, language, version + 1, 'A \"quoted\" <title>' FROM wording WHERE kind = 'title'"
            )
        )
        session.execute(text("UPDATE form SET fields = '{first_name}'"))
    page = client.get(f"/forms/{form_id}/site").text
    assert "/embed/home.js" in page and "&lt;input name=&#34;first_name&#34;&gt;" in page
    assert "A &amp;#34;quoted&amp;#34; &amp;lt;title&amp;gt;" in page  # escaped in the snippet, and so shown
    assert client.get(f"/forms/{form_id}/qr.png").data.startswith(b"\x89PNG")
    assert client.get(f"/forms/{form_id}/qr.svg").mimetype == "image/svg+xml"
    assert "data-permesso" in client.get(f"/forms/{form_id}/preview/popup").text


def test_row_60_nothing_that_a_visitor_sends_decides_where_a_form_leads(client: FlaskClient, stage: Stage) -> None:
    token = shown_token(client, stage.form)
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET redirect_url = 'https://shop.example/thanks'"))
    hostile = {"redirect_url": "https://evil.example", "next": "//evil.example", "redirect": "https://evil.example"}
    sent = {"form_token": token, "language": "en", "email": "ada@example.com", "topic": [stage.news], **hostile}
    answer = client.post(f"/subscribe/{stage.form}?next=//evil.example&lang=//evil.example", data=sent)
    assert answer.location == "https://shop.example/thanks"
    assert client.post(f"/embed/{stage.form}", data=sent).json["redirect"] == "https://shop.example/thanks"


@pytest.mark.parametrize(
    "lang", ["//evil.example", "https://evil.example", "fr\r\nLocation: //evil.example", "\\\\evil"]
)
def test_row_60_public_redirects_stay_on_this_site(client: FlaskClient, lang: str) -> None:
    for path in ("/confirm/{}/renew", "/unsubscribe/{}/all", "/unsubscribe/{}/undo"):
        for token in ("token", "%5C%5Cevil.example", "%2F%2Fevil.example"):
            answer = client.get(path.format(token), query_string={"lang": lang, "next": "//evil.example"})
            assert answer.status_code in (302, 308, 404)
            where = urlsplit(answer.location or "/")
            assert where.netloc in ("", "localhost") and not (answer.location or "/").startswith("//")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,hello",
        "//evil.example",
        "/\\evil.example",
        "https:/evil.example",
        "https://shop.example@evil.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example\n.evil.example/",
        "https://shop.example:notaport/",
        "https:///thanks",
        "ftp://shop.example/",
        'https://shop.example/"><script>',
    ],
)
def test_row_60_staff_can_only_name_a_plain_web_page(client: FlaskClient, stage: Stage, url: str) -> None:
    make_staff()
    sign_in(client)
    given = {"name": "Fair", "topic_ids": [stage.news], "active": "y", "title_en": "T", "consent_en": "C"}
    assert client.post("/forms/new", data={**given, "redirect_url": url}).status_code == 422
    assert client.post("/forms/new", data={**given, "redirect_url": "https://shop.example/a?b=c"}).status_code == 302
