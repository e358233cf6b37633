from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask, abort, request
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from app.accounts.policy import Role
from app.accounts.views.guard import public
from app.core.errors import Conflict, EngineUnavailable, InvalidToken
from tests.factories.accounts import make_staff, sign_in

ROOT = Path(__file__).parents[2]


def test_every_page_has_a_strict_policy_and_an_id(client: FlaskClient) -> None:
    make_staff()
    answer = client.get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"[a-z2-7]{12}", answer.headers["X-Request-Id"])


def test_templates_hold_no_inline_script_or_style() -> None:
    for path in (ROOT / "templates" / "web").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), f"{path}: inline script"
        assert not re.search(r"<style|<[^{}>]*\sstyle=", text), f"{path}: inline style"
        assert not re.search(r"\son(click|load|change|submit|input)=|hx-on|hx-vals=.js:", text), (
            f"{path}: inline handler"
        )


def test_icons_that_templates_name_are_in_the_sprite() -> None:
    known = set((ROOT / "app/web/assets/icons.txt").read_text().split())
    for path in (ROOT / "templates" / "web").rglob("*.html"):
        used = set(re.findall(r"""\bicon\(\s*["']([a-z0-9-]+)["']""", path.read_text()))
        assert used <= known, f"{path}: add {used - known} to app/web/assets/icons.txt"


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(client: FlaskClient) -> None:
    make_staff()
    cookie = client.post(
        "/sign-in", data={"email": "administrator@example.com", "password": "the door stands open"}
    ).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # BASE_URL is http here


def test_the_session_cookie_is_secure_over_https(monkeypatch: pytest.MonkeyPatch, db: object) -> None:
    from app.core.config import Settings
    from app.factory import create_app

    monkeypatch.setenv("BASE_URL", "https://permesso.example")
    app = create_app(Settings.from_env())
    app.config["WTF_CSRF_ENABLED"] = False
    make_staff()
    answer = app.test_client().post(
        "/sign-in", data={"email": "administrator@example.com", "password": "the door stands open"}
    )
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("peer", "said", "seen"),
    [
        ("198.51.100.9", "203.0.113.5", "198.51.100.9"),  # anybody can say anything
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.2", "192.0.2.66, 203.0.113.5, 10.0.0.1", "203.0.113.5"),  # what a client says itself stands first
    ],
)
def test_only_proxies_of_ours_tell_who_the_client_is(
    monkeypatch: pytest.MonkeyPatch, db: object, peer: str, said: str, seen: str
) -> None:
    from app.core.config import Settings
    from app.factory import create_app

    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2")
    app = create_app(Settings.from_env())
    app.add_url_rule("/who", view_func=public(lambda: request.remote_addr or ""))
    answer = app.test_client().get("/who", headers={"X-Forwarded-For": said}, environ_base={"REMOTE_ADDR": peer})
    assert answer.text == seen


@pytest.fixture
def failing(app: Flask) -> FlaskClient:
    """A client of an application with a view for every kind of failure."""
    failures = {
        "user": Conflict("The campaign is being sent: pause it first."),
        "token": InvalidToken(),
        "late": InvalidToken(expired=True),
        "engine": EngineUnavailable("secret host name"),
        "bug": ZeroDivisionError("secret detail"),
    }

    @app.get("/fail/<kind>")
    @public
    def fail(kind: str) -> str:
        if kind.isdigit():
            abort(int(kind))
        raise failures[kind]

    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("user", 409, "The campaign is being sent: pause it first."),
        ("token", 404, "This link is not valid or no longer valid."),
        ("late", 404, "This link is past its time."),
        ("engine", 503, "Out of order for a moment"),
        ("bug", 500, "tell an administrator this number"),
        ("404", 404, "There is nothing at this address."),
        ("405", 405, "This address does not understand"),
    ],
)
def test_errors_are_pages_without_secrets(failing: FlaskClient, kind: str, status: int, text: str) -> None:
    answer = failing.get(f"/fail/{kind}")
    body = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert text in body
    assert "secret" not in body
    assert "Traceback" not in body


def test_htmx_gets_a_note_for_the_corner(failing: FlaskClient) -> None:
    answer = failing.get("/fail/user", headers={"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert "<html" not in answer.get_data(as_text=True)


def test_machines_get_json(failing: FlaskClient) -> None:
    answer = failing.get("/fail/user", headers={"Accept": "application/json"})
    assert answer.get_json() == {"error": "The campaign is being sent: pause it first."}


def test_the_browser_chooses_the_language_until_somebody_does(client: FlaskClient) -> None:
    make_staff(Role.VIEWER, language="en")
    french = {"Accept-Language": "fr-CH, fr;q=0.9, en;q=0.5"}
    assert 'lang="fr"' in client.get("/sign-in", headers=french).get_data(as_text=True)
    assert 'lang="en-GB"' in client.get("/sign-in", headers={"Accept-Language": "de"}).get_data(as_text=True)
    assert "Se connecter" in client.get("/sign-in?lang=fr").get_data(as_text=True)
    assert 'lang="fr"' in client.get("/sign-in").get_data(as_text=True)  # and it is kept
    sign_in(client, "viewer@example.com")
    assert 'lang="en-GB"' in client.get("/account").get_data(as_text=True)  # signed in, one's own language counts


def test_the_navigation_shows_what_the_role_reaches(client: FlaskClient) -> None:
    make_staff(Role.VIEWER)
    make_staff(Role.ADMINISTRATOR)
    sign_in(client, "viewer@example.com")
    assert "/settings" not in client.get("/account").get_data(as_text=True)
    sign_in(client)
    page = client.get("/account").get_data(as_text=True)
    assert 'href="/settings"' in page
    assert 'aria-current="page"' not in page.split("<main")[0]


def test_static_files_are_kept_for_ever(client: FlaskClient) -> None:
    path = re.search(r"/static/app-\w+\.css", client.get("/welcome").get_data(as_text=True))
    if path is None:
        pytest.skip("the front end is not built: npm run build")
    answer = client.get(path.group())
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_language_switch_stays_on_this_page_whatever_the_query_says(client: FlaskClient) -> None:
    make_staff()
    page = client.get("/sign-in?_scheme=javascript&_external=1&endpoint=x&next=/account&lang=en").text
    assert 'href="/sign-in?_scheme=javascript&amp;_external=1&amp;endpoint=x&amp;next=%2Faccount&amp;lang=fr"' in page


@pytest.mark.parametrize("path", ["/look/%00.css", "/subscribe/%00", "/confirm/%00", "/view/%00", "/o/%00.gif"])
def test_a_nul_in_a_public_address_is_no_accident_of_ours(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


def test_a_value_that_no_column_holds_is_refused(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    huge = "9" * 30
    for path in ("/contacts?q=%00", f"/contacts/{huge}", f"/campaigns/{huge}", f"/campaigns?before={huge}"):
        assert client.get(path).status_code < 500, path


def test_strangers_cannot_fill_the_disk_with_a_body(app: Flask, client: FlaskClient) -> None:
    make_staff(Role.MARKETER)
    app.config["WTF_CSRF_ENABLED"] = True  # which reads the form before anybody asks who sent it

    def body() -> dict[str, object]:
        return {"file": (BytesIO(b"email\n" + b"a@example.com\n" * 500_000), "people.csv")}

    for path in ("/contacts/imports", "/sign-in", "/set-password/x"):
        assert client.post(path, data=body()).status_code == 413, path
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, "marketer@example.com")
    assert client.post("/contacts/imports", data=body()).status_code == 302


def test_a_failure_is_logged_without_the_token_in_its_address(app: Flask, client: FlaskClient) -> None:
    @app.get("/broken/<token>")
    @public
    def broken(token: str) -> str:
        raise ZeroDivisionError

    app.config["PROPAGATE_EXCEPTIONS"] = False
    with capture_logs() as logged:
        assert client.get("/broken/s3cret").status_code == 500
    assert logged[0]["rule"] == "/broken/<token>" and "s3cret" not in str(logged)
