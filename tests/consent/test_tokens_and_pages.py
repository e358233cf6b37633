"""STANDARDS 37, 61, 63 and the two tabs, over all of the subscriber's pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import db as core_db
from app.core import tokens
from app.core.db import unit_of_work
from app.core.errors import InvalidToken
from app.core.tokens import Purpose
from app.customers.queries.contacts import contact
from consent.models import SignUp
from consent.policy.ladder import State
from consent.queries import permissions
from consent.queries.verify import verify
from consent.services import access, address, confirm
from consent.services.withdraw import MailContext, contexts
from tests.consent.conftest import CAMPAIGN, Stage
from tests.factories import consent as make

MESSAGE = (Purpose.ENGAGEMENT, Purpose.PERMISSION, Purpose.VIEW, Purpose.STAY)
TIMED = tuple(purpose for purpose in Purpose if purpose not in (*MESSAGE, Purpose.RETURN_PATH))
# What each kind of token opens; {} is the token.
DOORS = {
    Purpose.PERMISSION: ("/preferences/{}", "/unsubscribe/{}"),
    Purpose.VIEW: ("/view/{}",),
    Purpose.STAY: ("/stay/{}",),
    Purpose.CONFIRM: ("/confirm/{}",),
    Purpose.ADDRESS: ("/address/{}",),
    Purpose.ACCESS: (
        "/access/{}",
        "/access/{}/details",
        "/access/{}/address",
        "/access/{}/mails",
        "/access/{}/data",
        "/access/{}/data.json",
        "/access/{}/data.csv",
        "/access/{}/data.html",
        "/access/{}/object",
        "/access/{}/erase",
    ),
}


@pytest.fixture
def ada(stage: Stage) -> int:
    """Somebody who permits both topics and tracking."""
    with unit_of_work() as session:
        contact_id = make.permitted_contact(session, stage.news, "ada@example.com")
        make.grant(session, contact_id, stage.offers)
        make.track(session, contact_id, stage.brand)
    return contact_id


@pytest.fixture
def held(stage: Stage, ada: int, sign_up: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> dict[Purpose, str]:
    """A genuine token of every purpose for one person; the mail that they came in asks whether to go on."""
    sign_up("ada@example.com")
    with unit_of_work() as session:
        key = contact(session, ada).address_key
    asking = MailContext(stage.brand, stage.news, "en", "Do you still want this?", key, asks=True)
    monkeypatch.setitem(contexts._entries, "test", lambda _session, _campaign, _contact: asking)
    with unit_of_work() as session:
        person = contact(session, ada)
        request = session.query(SignUp).one()
        change = address.request(session, person, stage.brand, "ada@example.org", "en")
        assert change is not None and person.address_key is not None
        found = {purpose: tokens.sign_message(purpose, CAMPAIGN, ada) for purpose in MESSAGE}
        found |= {purpose: tokens.sign_timed(purpose, {"c": ada, "f": 1, "t": [], "s": 1, "a": 1}) for purpose in TIMED}
        found[Purpose.CONFIRM] = confirm.token_for(request.id, request.nonce)
        found[Purpose.ACCESS] = access.token_for(ada, person.address_key, stage.brand)
        found[Purpose.ADDRESS] = address.token_for(change)
        found[Purpose.RETURN_PATH] = tokens.sign_return_path(CAMPAIGN, ada)
    return found


TABLES = """
SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1
"""


def whole_database() -> object:
    with unit_of_work() as session:
        names = session.scalars(text(TABLES)).all()
        return {name: session.scalars(text(f"SELECT t::text FROM {name} t ORDER BY 1")).all() for name in names}


def test_row_61_every_purposes_token_opens_its_own_doors_and_no_other(
    client: FlaskClient, held: dict[Purpose, str]
) -> None:
    assert set(held) == set(Purpose)
    before = whole_database()
    for mine, theirs in product(Purpose, DOORS):
        for path in DOORS[theirs]:
            url = path.format(held[mine])
            if mine is not theirs:
                posts = [{"sure": "yes", "page": "1", "act": "none", "email": "evil@example.net"}, {}]
                statuses = [client.get(url).status_code, *(client.post(url, data=data).status_code for data in posts)]
                assert set(statuses) <= {404, 405}, (mine, url, statuses)
            elif theirs is not Purpose.VIEW:  # there was no such mail here
                assert client.get(url).status_code == 200, url
    assert whole_database() == before


def test_row_4_no_scanner_changes_anything_by_any_token(client: FlaskClient, held: dict[Purpose, str]) -> None:
    """Whatever link of whatever kind is opened, and however it is asked for, not one row of the database changes."""
    rules = [rule for rule in client.application.url_map.iter_rules() if "token" in rule.arguments]
    rules = [rule for rule in rules if rule.endpoint != "sign_in.set_password"]  # of staff
    paths = {
        str(rule.rule).replace("<token>", token).replace("<slug>", "maison-exemple").replace("<int:n>", "1")
        for rule in rules
        for token in held.values()
    }
    paths = {re.sub(r"<any\((\w+)[^>]*>", r"\1", path) for path in paths}
    assert len(rules) > 15 and not any("<" in path for path in paths)
    before, opened = whole_database(), 0
    for path in sorted(paths):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
            answer = client.open(path, method=method, headers={"User-Agent": "scanner", "Sec-Purpose": "prefetch"})
            assert answer.status_code < 500, (method, path)
            opened += method == "GET" and answer.status_code == 200
    assert opened >= 14  # the pages themselves, not only refusals
    assert whole_database() == before


def test_row_61_a_forwarded_footer_link_gives_nobody_access_to_data(
    client: FlaskClient, stage: Stage, held: dict[Purpose, str]
) -> None:
    token = held[Purpose.PERMISSION]
    for page in (client.get(f"/preferences/{token}"), client.get(f"/unsubscribe/{token}")):
        assert "ada@" not in page.text and "a•••@e•••.com" in page.text and "/access/ey" not in page.text
    sent = client.post(f"/preferences/{token}/access")
    assert "ada@" not in sent.text and "/access/" not in sent.text


def test_row_61_flipped_bits_never_work(app: Flask, held: dict[Purpose, str]) -> None:
    for purpose in (*MESSAGE, *TIMED):
        token = held[purpose]
        read: Callable[[str], object] = (
            (lambda forged, p=purpose: tokens.read_message(p, forged))
            if purpose in MESSAGE
            else (lambda forged, p=purpose: tokens.read_timed(p, forged, max_age=3600))
        )
        assert read(token)
        for place, bit in product(range(len(token)), range(7)):
            forged = token[:place] + chr(ord(token[place]) ^ (1 << bit)) + token[place + 1 :]
            with pytest.raises(InvalidToken):
                read(forged)


def test_row_63_no_subscribers_page_sets_a_cookie(client: FlaskClient, stage: Stage, held: dict[Purpose, str]) -> None:
    paths = [path.format(held[purpose]) for purpose, found in DOORS.items() for path in found]
    for path in ["/access", f"/subscribe/{stage.form}", *paths]:
        for query in ("", "?lang=fr", "?lang=en&saved=save"):
            assert "Set-Cookie" not in client.get(path + query).headers, path + query
    for path, data in (("/access", {"email": "x@example.com"}), (paths[0], {"act": "save"})):
        assert "Set-Cookie" not in client.post(path, data=data).headers


def test_the_chosen_language_goes_along_without_a_cookie(client: FlaskClient, held: dict[Purpose, str]) -> None:
    page = client.get(f"/access/{held[Purpose.ACCESS]}?lang=fr").text
    assert '<html lang="fr"' in page
    ways = re.findall(r'href="(/access/[^"]+/details[^"]*)"', page)
    assert ways and '<html lang="fr"' in client.get(ways[0].replace("&amp;", "&")).text
    assert page.count("lang=en") == 1 and "lang=fr&amp;lang" not in page


def test_row_37_withdrawing_takes_no_more_steps_than_giving(
    client: FlaskClient, stage: Stage, ada: int, sign_up: Callable[..., object]
) -> None:
    """Giving: a form, a mail, a button. Withdrawing: the link in any mail and a button, or one click; no sign-in."""
    token = stage.permission_token(ada)
    page = client.get(f"/unsubscribe/{token}").text
    assert page.count("<form") >= 1 and 'type="password"' not in page and 'type="email"' not in page
    assert client.post(f"/unsubscribe/{token}", data={"page": "1"}).status_code == 200  # one button
    fields = client.get(f"/preferences/{token}").text
    assert 'name="tracking"' in fields and 'type="password"' not in fields
    assert client.post(f"/preferences/{token}", data={"shown_tracking": "yes"}).status_code == 303
    with unit_of_work() as session:
        assert permissions.of_contact(session, ada)[stage.news].state is State.WITHDRAWN
        assert permissions.tracking_of_contact(session, ada) == {stage.brand: False}


def test_two_devices_at_once_both_end_in_the_ledger_and_the_last_one_wins(app: Flask, stage: Stage, ada: int) -> None:
    """Many browsers change the same person at the same moment: nothing is lost, the chain holds, and what stands is
    what the latest entry says."""
    path = f"/preferences/{stage.permission_token(ada)}"
    both = {"shown_on": [stage.news, stage.offers], "shown_tracking": "yes", "tracking": "yes"}
    acts = [
        both | {"topic": [stage.offers]},  # news off
        both | {"topic": [stage.news]},  # offers off
        both | {"topic": [stage.news, stage.offers], "tracking": ""},  # measuring off
        {"act": "pause", "for": "1"},
        {"act": "pause", "for": "3"},
    ]
    start = threading.Barrier(len(acts))
    answers: list[int] = []

    def send(data: dict[str, object]) -> None:
        with app.test_client() as browser:
            start.wait()
            answers.append(browser.post(path, data=data).status_code)

    threads = [threading.Thread(target=send, args=(data,)) for data in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * len(acts)
    with unit_of_work() as session:
        known = permissions.of_contact(session, ada)
        assert {known[topic].state for topic in (stage.news, stage.offers)} == {State.WITHDRAWN}
        assert permissions.tracking_of_contact(session, ada) == {stage.brand: False}
        entries = permissions.entries(session, ada)
        assert [entry.seq for entry in entries] == list(range(1, 3 + 5 + 1))
        last = [entry for entry in entries if entry.act.action == "pause"][-1]
        assert session.execute(text("SELECT event_id, until FROM pause")).one() == (last.id, last.act.expires_at)
        assert verify(session).broken is None
    core_db.engine().dispose()


def test_one_topic_by_two_devices_at_once_is_withdrawn_once(app: Flask, stage: Stage, ada: int) -> None:
    path = f"/unsubscribe/{stage.permission_token(ada)}"
    start = threading.Barrier(4)

    def send() -> None:
        with app.test_client() as browser:
            start.wait()
            browser.post(path)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with unit_of_work() as session:
        assert permissions.of_contact(session, ada)[stage.news].state is State.WITHDRAWN
        assert verify(session).broken is None
    core_db.engine().dispose()
