"""Rules about all views: who may see them, and that unsafe methods ask for a CSRF token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule

from app.accounts.policy import Role
from app.accounts.views.guard import Access, access_of, csrf
from tests.factories.accounts import make_staff, sign_in

# One-click unsubscribing (RFC 8058) is posted by mailbox providers, which have no session.
ONE_CLICK = {"unsubscribe.unsubscribe"}
# The subscriber's pages set no cookie, so their forms hold no token: a browser that posts from another site is refused.
COOKIELESS = {
    "confirm.confirm",
    "confirm.renew",
    "preferences.change",
    "stay.stay",
    "unsubscribe.unsubscribe_all",
    "unsubscribe.take_back",
    "request_page.send",
    "unsubscribe.say_why",
    "self_service.send",
    "self_service.send_from_footer",
    "self_service.renew",
    "self_service.change",
    "self_service.objected",
    "self_service.erase_me",
    "self_service.save_details",
    "self_service.ask_address",
    "self_service.confirm_address",
    "self_service.renew_address",
}
# Forms on other sites send here; nothing is written before the visitor sent our own page (test_embedding).
# Scripts on other sites send to the other, which any site may do: there is no cookie to ride on.
EMBEDDED = {"subscribe.send", "embed.send"}
SAFE = {"GET", "HEAD", "OPTIONS"}


@pytest.fixture
def every(app: Flask) -> Flask:
    """The application with the views that only some deployments have."""
    from app.web.views import outbox

    if "outbox" not in app.blueprints:
        app.register_blueprint(outbox.blueprint)
    return app


def rules(app: Flask) -> Iterator[tuple[Rule, Access]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            access = access_of(app.view_functions[rule.endpoint])
            assert access is not None, (
                f"{rule.endpoint} does not say who may see it: @public, @signed_in or @allows(Role…)"
            )
            yield rule, access


def path_of(rule: Rule) -> str:
    """A path that fits ``rule``; it is refused before anybody looks for what it names."""
    return str(rule.build({name: value_for(rule._converters[name]) for name in rule.arguments})[1])


def value_for(converter: BaseConverter) -> object:
    if isinstance(converter, IntegerConverter):
        return 1
    return next(iter(converter.items)) if isinstance(converter, AnyConverter) else "x"


def test_every_view_says_who_may_see_it(every: Flask) -> None:
    assert len(list(rules(every))) > 20


def test_row_63_unsafe_methods_ask_for_a_csrf_token(every: Flask) -> None:
    for rule, _ in rules(every):
        view = every.view_functions[rule.endpoint]
        exempt = f"{view.__module__}.{view.__name__}" in csrf._exempt_views
        assert not exempt or rule.endpoint in ONE_CLICK | COOKIELESS | EMBEDDED, f"{rule.endpoint} is exempt from CSRF"
    assert not csrf._exempt_blueprints


def test_row_63_cookieless_pages_refuse_posts_from_other_sites(every: Flask) -> None:
    client = every.test_client()
    for rule, _ in rules(every):
        if rule.endpoint in COOKIELESS and "POST" in (rule.methods or set()):
            for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
                assert client.post(path_of(rule), headers=header).status_code == 403, rule.endpoint


def test_a_post_without_token_is_refused_and_changes_nothing(every: Flask) -> None:
    make_staff()
    every.config["WTF_CSRF_ENABLED"] = True
    client = every.test_client()
    refused = client.post("/sign-in", data={"email": "administrator@example.com", "password": "x"})
    assert refused.status_code == 400
    assert "The form is out of date" in refused.get_data(as_text=True)


@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_sees_what_its_views_allow(every: Flask, role: Role | None) -> None:
    """Every role against every view: who is not allowed is refused before the view runs."""
    client: FlaskClient = every.test_client()
    if role is not None:
        make_staff(role)
        assert sign_in(client, f"{role}@example.com") == 302
    for rule, access in rules(every):
        if access.public:
            continue
        method = "GET" if "GET" in (rule.methods or set()) else next(iter((rule.methods or set()) - SAFE))
        if role is None:
            answer = client.open(path_of(rule), method=method)
            assert answer.status_code == 302, f"{rule.endpoint} is open to strangers"
            assert answer.location.startswith("/sign-in")
        elif access.role is not None and not role.reaches(access.role):
            answer = client.open(path_of(rule), method=method)
            assert answer.status_code == 403, f"{rule.endpoint} is open to a {role}"


def test_pages_that_the_navigation_shows_open(every: Flask) -> None:
    client = every.test_client()
    make_staff()
    sign_in(client)
    for rule, access in rules(every):
        if not access.public and "GET" in (rule.methods or set()) and not rule.arguments:
            answer = client.get(rule.rule)
            assert answer.status_code in (200, 302), f"{rule.rule} answers {answer.status_code}"
