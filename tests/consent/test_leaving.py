"""Unsubscribing, preferences and objections, by the links in a mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import product

import pytest
from flask.testing import FlaskClient
from sqlalchemy import BigInteger, literal, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.accounts.views.guard import access_of
from app.core import clock, config, tokens
from app.core.config import Settings
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from app.customers.queries.contacts import contact
from app.customers.services.contacts import change_address
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Actor
from consent.queries import permissions
from consent.queries.gates import gates
from consent.queries.suppressions import active_reasons
from consent.queries.verify import verify
from consent.services import access
from consent.services.confirm import token_for
from consent.services.erase import erase
from consent.services.objections import complain, object_to_marketing
from consent.services.preferences import masked
from consent.services.suppress import suppress_address
from tests.conftest import Clock
from tests.consent.conftest import CAMPAIGN, Stage
from tests.factories import consent as make


@pytest.fixture
def ada(stage: Stage) -> int:
    """Somebody who permits both topics and tracking."""
    with unit_of_work() as session:
        contact_id = make.permitted_contact(session, stage.news, "ada@example.com")
        make.grant(session, contact_id, stage.offers)
        make.track(session, contact_id, stage.brand)
    return contact_id


def states(contact_id: int) -> dict[int, State]:
    with unit_of_work() as session:
        return {topic: standing.state for topic, standing in permissions.of_contact(session, contact_id).items()}


def snapshot() -> object:
    with unit_of_work() as session:
        tables = ("permission_event", "permission", "tracking_permission", "suppression", "sign_up", "contact")
        return [session.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).all() for table in tables]


ONE_CLICK = [
    {"data": {"List-Unsubscribe": "One-Click"}},
    {"data": {"List-Unsubscribe": "One-Click"}, "content_type": "multipart/form-data"},
    {"data": b""},
    {"data": b"List-Unsubscribe=One-Click", "content_type": "text/plain"},
    {"json": {"List-Unsubscribe": "One-Click"}},
    {"data": b"\xff\xfe not a form", "content_type": "multipart/form-data"},
    {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=y"},
    {"data": b"{", "content_type": "application/json"},
    {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"Origin": "https://mail.example", "User-Agent": ""}},
    {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"Sec-Fetch-Site": "cross-site"}},
]


def one_click(client: FlaskClient, stage: Stage, contact_id: int, **post: object) -> TestResponse:
    """Post as a mailbox provider does: without a cookie, while forms elsewhere need their token."""
    client.application.config["WTF_CSRF_ENABLED"] = True
    stranger = client.application.test_client(use_cookies=False)
    return stranger.post(f"/unsubscribe/{stage.permission_token(contact_id)}", **post)  # type: ignore[arg-type]


@pytest.mark.parametrize("post", ONE_CLICK)
def test_row_2_one_click_takes_any_body_without_cookie_sign_in_or_token(
    client: FlaskClient, stage: Stage, ada: int, post: dict[str, object]
) -> None:
    answer = one_click(client, stage, ada, **post)
    assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
    assert states(ada) == {stage.news: State.WITHDRAWN, stage.offers: State.GRANTED}
    with unit_of_work() as session:
        entry = permissions.entries(session, ada)[-1]
        assert (entry.campaign_id, entry.evidence["method"]) == (CAMPAIGN, "one-click")


@pytest.mark.parametrize("post", ONE_CLICK)
def test_row_3_one_click_never_redirects(client: FlaskClient, stage: Stage, ada: int, post: dict[str, object]) -> None:
    answer = one_click(client, stage, ada, **post)
    assert 200 <= answer.status_code < 300 and "Location" not in answer.headers


@pytest.mark.parametrize("agent", [None, "", "Googlebot/2.1 (+http://www.google.com/bot.html)", "curl/8.0", "x" * 5000])
def test_row_71_one_click_works_for_robots_and_for_who_does_not_say(
    client: FlaskClient, stage: Stage, ada: int, agent: str | None
) -> None:
    environment = {} if agent is None else {"HTTP_USER_AGENT": agent}
    client.environ_base.pop("HTTP_USER_AGENT", None)
    path = f"/unsubscribe/{stage.permission_token(ada)}"
    for _ in range(30):  # a provider posts for many people from few addresses: nothing is counted against it
        answer = client.post(path, environ_overrides=environment, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert states(ada)[stage.news] is State.WITHDRAWN


def test_one_click_again_changes_nothing_and_still_succeeds(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/unsubscribe/{stage.permission_token(ada)}"
    client.post(path)
    before = snapshot()
    assert client.post(path).status_code == 200 and snapshot() == before


def test_one_click_of_a_forgotten_campaign_withdraws_everything(client: FlaskClient, stage: Stage, ada: int) -> None:
    token = tokens.sign_message(tokens.Purpose.PERMISSION, 999, ada)
    assert client.get(f"/unsubscribe/{token}").status_code == 404
    assert client.post(f"/unsubscribe/{token}").status_code == 200
    assert set(states(ada).values()) == {State.WITHDRAWN}


def test_row_4_get_and_head_change_nothing_on_any_public_link(
    client: FlaskClient, stage: Stage, ada: int, sign_up: Callable[..., TestResponse]
) -> None:
    sign_up("new@example.com")
    with unit_of_work() as session:
        asked, nonce = session.execute(text("SELECT id, nonce FROM sign_up")).one()
        key = contact(session, ada).address_key or b""
    genuine = [tokens.sign_message(purpose, CAMPAIGN, ada) for purpose in (Purpose.PERMISSION, Purpose.VIEW)]
    genuine += [token_for(asked, nonce), access.token_for(ada, key, stage.brand), "x"]
    named = {"slug": [stage.form], "form": [stage.form]}
    paths = set()
    for rule in client.application.url_map.iter_rules():
        rule_access = access_of(client.application.view_functions[rule.endpoint])
        if rule_access is None or not rule_access.public or "GET" not in (rule.methods or set()):
            continue
        values = [named.get(name, genuine) for name in sorted(rule.arguments)]
        for chosen in product(*values):
            with suppress(Exception):  # a converter that takes no token
                paths.add(str(rule.build(dict(zip(sorted(rule.arguments), chosen, strict=True)))[1]))
    assert {f"/unsubscribe/{genuine[0]}", f"/preferences/{genuine[0]}", f"/confirm/{genuine[2]}"} <= paths
    before = snapshot()
    for path in sorted(paths):
        for method in ("GET", "HEAD", "OPTIONS"):
            # No broker and no worker run here, which the health page says.
            assert client.open(path, method=method).status_code < 500 or path == "/healthz", (method, path)
    assert snapshot() == before


def test_row_5_a_token_names_one_person_and_cannot_be_forged(client: FlaskClient, stage: Stage, ada: int) -> None:
    token = stage.permission_token(ada)
    other = stage.permission_token(ada + 1)
    elsewhere = tokens.sign_message(tokens.Purpose.PERMISSION, CAMPAIGN + 1, ada)
    # Every byte flipped, the person and the campaign (and so the topic) swapped, a token for another purpose.
    flipped = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    swapped = [front[:cut] + back[cut:] for front in (token, other, elsewhere) for back in (token, other, elsewhere)
               for cut in (8, 16, 19) if front != back]  # fmt: skip
    purposes = [tokens.sign_message(purpose, CAMPAIGN, ada) for purpose in (Purpose.ENGAGEMENT, Purpose.VIEW)]
    for forged in {*flipped, *swapped, *purposes} - {token, other, elsewhere}:
        assert client.post(f"/unsubscribe/{forged}").status_code == 404, forged
    assert set(states(ada).values()) == {State.GRANTED}


def test_row_55_a_way_out_is_valid_for_years_and_over_a_change_of_keys(
    client: FlaskClient, stage: Stage, ada: int, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = stage.permission_token(ada)
    clock.forward(timedelta(days=3 * 365))
    newer = {"secret_key": "n" * 40, "secret_key_fallbacks": settings.secret_key}
    monkeypatch.setattr(config, "_current", settings.model_copy(update=newer))
    assert stage.permission_token(ada) != token
    assert client.get(f"/unsubscribe/{token}").status_code == 200
    assert client.post(f"/unsubscribe/{token}").status_code == 200
    assert states(ada)[stage.news] is State.WITHDRAWN
    local = tokens.unsubscribe_mailbox(token, "x.example").partition("@")[0]
    assert tokens.read_unsubscribe_mailbox(local).contact_id == ada


def test_row_37_the_page_says_what_remains_and_offers_undo(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/unsubscribe/{stage.permission_token(ada)}"
    page = client.get(path).text
    assert "a•••@e•••.com will get no more e-mails about “News”" in page and "ada@" not in page
    after = client.post(path, data={"page": "1"}).text
    assert "You are unsubscribed" in after and "Offers" in after
    found = re.search(r'name="undo" value="([^"]+)"', after)
    assert found is not None
    assert states(ada)[stage.news] is State.WITHDRAWN
    assert "subscribed again" in client.post(f"{path}/undo", data={"undo": found[1]}).text
    with unit_of_work() as session:
        standing = permissions.of_contact(session, ada)[stage.news]
        assert (standing.state, standing.level, standing.basis) == (State.GRANTED, Level.CONFIRMED, Basis.CONSENT)


def test_undo_gives_back_only_to_whom_it_was_taken(client: FlaskClient, stage: Stage, ada: int) -> None:
    with unit_of_work() as session:
        bob = make.permitted_contact(session, stage.news, "bob@example.com")
    after = client.post(f"/unsubscribe/{stage.permission_token(ada)}", data={"page": "1"}).text
    found = re.search(r'name="undo" value="([^"]+)"', after)
    assert found is not None
    client.post(f"/unsubscribe/{stage.permission_token(bob)}")
    answer = client.post(f"/unsubscribe/{stage.permission_token(bob)}/undo", data={"undo": found[1]})
    assert answer.status_code == 404 and states(bob)[stage.news] is State.WITHDRAWN


def test_everything_of_the_brand_at_once(client: FlaskClient, stage: Stage, ada: int) -> None:
    with unit_of_work() as session:
        elsewhere = make.make_topic(session)
        make.grant(session, ada, elsewhere)
    client.post(f"/unsubscribe/{stage.permission_token(ada)}/all", data={"page": "1"})
    assert states(ada) == {stage.news: State.WITHDRAWN, stage.offers: State.WITHDRAWN, elsewhere: State.GRANTED}


def shown(page: str) -> dict[str, list[str]]:
    """Return what a browser would send back of the preference page, boxes as they are."""
    fields: dict[str, list[str]] = {"act": ["save"]}
    for tag in re.findall(r"<input [^>]+>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]+)"', tag)
        if name and value and ("hidden" in tag or "checked" in tag):
            fields.setdefault(name[1], []).append(value[1])
    return fields


def test_preferences_turn_topics_and_tracking_off_and_on(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/preferences/{stage.permission_token(ada)}"
    form = shown(client.get(path).text)
    assert form["topic"] == [str(stage.news), str(stage.offers)] and form["tracking"] == ["yes"]
    answer = client.post(path, data={**form, "topic": [str(stage.news)], "tracking": []})
    assert answer.status_code == 303 and "Saved" in client.get(answer.location).text
    assert states(ada) == {stage.news: State.GRANTED, stage.offers: State.WITHDRAWN}
    with unit_of_work() as session:
        assert permissions.tracking_of_contact(session, ada) == {stage.brand: False}
    form = shown(client.get(path).text)
    client.post(path, data={**form, "topic": [str(stage.news), str(stage.offers)], "tracking": "yes"})
    with unit_of_work() as session:
        standing = permissions.of_contact(session, ada)[stage.offers]
        assert (standing.state, standing.level) == (State.GRANTED, Level.CONFIRMED)
        assert permissions.tracking_of_contact(session, ada) == {stage.brand: True}
        assert "Maison Exemple about what is ticked" in permissions.entries(session, ada)[-2].wording


def test_row_46_what_is_measured_by_default_can_be_refused(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        ben = make.permitted_contact(session, stage.news, "ben@example.com")
        session.execute(text("UPDATE brand SET tracking_default = true, profile = 'us'"))
    path = f"/preferences/{stage.permission_token(ben)}"
    fields = shown(client.get(path).text)
    assert fields.pop("tracking") == ["yes"]
    client.post(path, data=fields)
    with unit_of_work() as session:
        assert permissions.tracking_of_contact(session, ben) == {stage.brand: False}


def test_row_41_an_old_link_brings_nothing_personal_back(client: FlaskClient, stage: Stage, ada: int) -> None:
    with unit_of_work() as session:
        make.make_topic(session, stage.brand, "Events")
        erase(session, ada, actor=Actor.STAFF)
    token = tokens.sign_message(tokens.Purpose.PERMISSION, 999, ada)
    assert client.post(f"/unsubscribe/{token}").status_code == 200
    with unit_of_work() as session:
        assert permissions.entries(session, ada)[-1].act.state is State.WITHDRAWN
        assert session.execute(text("SELECT count(*) FROM permission_evidence")).scalar_one() == 0
        assert verify(session).broken is None


def test_two_tabs_lose_nothing(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/preferences/{stage.permission_token(ada)}"
    first, second = shown(client.get(path).text), shown(client.get(path).text)
    client.post(path, data={**first, "topic": [str(stage.offers)]})
    client.post(path, data={**second, "topic": [str(stage.news)]})
    assert states(ada) == {stage.news: State.WITHDRAWN, stage.offers: State.WITHDRAWN}


def test_saving_without_a_change_writes_nothing(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/preferences/{stage.permission_token(ada)}"
    before = snapshot()
    client.post(path, data=shown(client.get(path).text))
    assert snapshot() == before


def test_a_link_to_a_former_address_ends_but_does_not_begin(
    client: FlaskClient, stage: Stage, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consent.services.withdraw import MailContext, contexts

    with unit_of_work() as session:
        former = contact(session, ada).address_key
        change_address(session, ada, "ada@example.org")
    context: Callable[..., MailContext] = lambda *_: MailContext(stage.brand, stage.news, "en", "October", former)  # noqa: E731
    monkeypatch.setitem(contexts._entries, "test", context)
    path = f"/preferences/{stage.permission_token(ada)}"
    form = shown(client.get(path).text)
    client.post(path, data={**form, "topic": []})
    assert set(states(ada).values()) == {State.WITHDRAWN}
    form = shown(client.get(path).text)
    assert client.post(path, data={**form, "topic": [str(stage.news)]}).status_code == 409
    assert set(states(ada).values()) == {State.WITHDRAWN}


def test_row_42_an_objection_covers_every_brand(client: FlaskClient, stage: Stage, ada: int) -> None:
    client.post(f"/preferences/{stage.permission_token(ada)}", data={"act": "object"})
    with unit_of_work() as session:
        person = contact(session, ada)
        assert person.objected_at is not None
        change_address(session, ada, "ada@example.org")
        assert contact(session, ada).objected_at is not None  # a new address does not escape it


@pytest.mark.parametrize("said", ["object", "complain", "listed"])
def test_row_42_a_mails_link_which_may_have_been_passed_on_ends_no_objection(
    client: FlaskClient, stage: Stage, ada: int, said: str
) -> None:
    """Not by ticking a topic, nor by undoing; behind a fresh link to the mailbox it ends."""
    token = stage.permission_token(ada)
    path = f"/preferences/{token}"
    undo = re.search(r'name="undo" value="([^"]+)"', client.post(f"/unsubscribe/{token}", data={"page": "1"}).text)
    assert undo is not None
    with unit_of_work() as session:
        key = contact(session, ada).address_key or b""
        if said == "object":
            object_to_marketing(session, ada, actor=Actor.SUBSCRIBER)
        elif said == "complain":
            complain(session, ada)
        else:  # as another system's list says
            suppress_address(session, address_key=key, reason="objection")
    wish = {"act": "save", "shown_off": [stage.news], "topic": [stage.news]}
    refused = client.post(path, data=wish)
    assert refused.status_code == 409 and "ask for a link to your mailbox" in refused.text
    assert client.post(path, data={"shown_tracking": "no", "tracking": "yes"}).status_code == 409
    client.post(f"/unsubscribe/{token}/undo", data={"undo": undo[1]})
    with unit_of_work() as session:
        assert not mailable(session, ada, stage)
    door = f"/access/{access.token_for(ada, key, stage.brand)}/preferences/maison-exemple"
    assert client.post(door, data={**wish, "shown_off": [stage.news, stage.offers], "topic": [stage.offers]}).location
    with unit_of_work() as session:
        person = contact(session, ada)
        assert person.objected_at is None and person.complained_at is None
        assert not active_reasons(session, key)
        assert mailable(session, ada, stage)
        assert verify(session).broken is None


def mailable(session: Session, contact_id: int, stage: Stage) -> bool:
    """Whether all gates are open for the first topic."""
    who = select(literal(contact_id, BigInteger()).label("contact_id"))
    return session.execute(gates(stage.news, stage.brand, clock.now(), who)).one().gate is None


def test_row_63_other_sites_cannot_change_preferences(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/preferences/{stage.permission_token(ada)}"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert client.post(path, data={"act": "none"}, headers=headers).status_code == 403
    assert set(states(ada).values()) == {State.GRANTED}
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    assert client.post(path, data={"act": "none"}, headers=own).status_code == 303


def test_pages_are_in_the_contacts_language(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        marie = make.permitted_contact(session, stage.news, "marie@example.com", language="fr")
    path = f"/unsubscribe/{stage.permission_token(marie)}"
    assert '<html lang="fr"' in client.get(path).text
    assert '<html lang="en-GB"' in client.get(f"{path}?lang=en").text


@pytest.mark.parametrize(
    ("address", "hidden"),
    [("ada@example.com", "a•••@e•••.com"), ("é@müller.example", "é•••@m•••.example"), (None, "•••"), ("x", "•••")],
)
def test_addresses_are_masked(address: str | None, hidden: str) -> None:
    assert masked(address) == hidden


def test_row_61_undo_is_for_the_address_that_was_written_to(client: FlaskClient, stage: Stage) -> None:
    """Who still reads a former mailbox can end what is permitted, and can give nothing to the present one."""
    with unit_of_work() as session:
        before = make.permitted_contact(session, stage.news, "ada@example.com")
        meanwhile = make.permitted_contact(session, stage.news, "bob@example.com")
        change_address(session, before, "ada@example.org")
    page = client.post(f"/unsubscribe/{stage.permission_token(before)}", data={"page": "1"}).text
    assert 'name="undo"' not in page
    token = stage.permission_token(meanwhile)
    undo = re.search(r'name="undo" value="([^"]+)"', client.post(f"/unsubscribe/{token}", data={"page": "1"}).text)
    assert undo is not None
    with unit_of_work() as session:
        change_address(session, meanwhile, "bob@example.org")
    assert client.post(f"/unsubscribe/{token}/undo", data={"undo": undo[1]}).status_code == 404
    with unit_of_work() as session:
        for person in (before, meanwhile):
            assert permissions.of_contact(session, person)[stage.news].state is State.WITHDRAWN
