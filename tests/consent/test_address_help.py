"""Hints about an address: mistyped, made for minutes, no mailbox there. The visitor's word stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import dns.resolver
import pytest
import redis
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from app.core import config
from app.core.config import Settings
from app.core.db import unit_of_work
from app.customers.queries.domains import common_domains
from app.mail.providers import DOMAINS
from consent.engine import mail_domains
from consent.policy import typos
from tests.consent.conftest import Stage, shown_token

SignUp = Callable[..., object]
# Domains that are not reserved, so no address at them stands here (STANDARDS 26).
TYPED, MEANT, ANOTHER, THROWAWAY = "gmial.com", "gmail.com", "hotmial.fr", "mailinator.com"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gamil.com", "gmail.com"),
        ("gmail.fr", "gmail.com"),
        ("hotmial.fr", "hotmail.fr"),
        ("outlok.com", "outlook.com"),
        ("yahooo.fr", "yahoo.fr"),
        ("laposte.fr", "laposte.net"),
        ("wanadoo.com", "wanadoo.fr"),
        ("orang.fr", "orange.fr"),
        ("gmail.com", None),
        ("ymail.com", None),
        ("mail.com", None),
        ("example.com", None),
        ("ae.com", None),
        ("maison-exemple.example", None),
    ],
)
def test_a_mistyped_provider_is_recognised(typed: str, meant: str | None) -> None:
    assert typos.suggestion(typed) == meant


def test_a_domain_that_is_common_here_is_recognised_too() -> None:
    assert typos.suggestion("loriott.example", ["loriot.example"]) == "loriot.example"
    assert typos.suggestion("loriot.example", ["loriot.example"]) is None


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz.-0123456789", max_size=60))
def test_whatever_is_typed_the_suggestion_is_known_and_near(domain: str) -> None:
    found = typos.suggestion(domain)
    assert found is None or (found in DOMAINS and found != domain)


@given(st.sampled_from([domain for domain in DOMAINS if len(domain) >= typos.SHORTEST]), st.data())
def test_two_swapped_letters_are_one_mistake(domain: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(domain) - 2))
    swapped = domain[:at] + domain[at + 1] + domain[at] + domain[at + 2 :]
    assert typos._distance(swapped, domain, 2) == (swapped != domain)


@pytest.mark.parametrize(("domain", "answer"), [("mailinator.com", True), ("x.mailinator.com", True), ("com", False)])
def test_throwaway_domains_are_known_with_what_lies_in_them(domain: str, answer: bool) -> None:
    assert typos.disposable(domain) is answer


def emails() -> list[str]:
    with unit_of_work() as session:
        return list(session.scalars(text("SELECT email FROM sign_up ORDER BY id")))


@pytest.mark.parametrize(
    ("button", "kept"),
    [({"use": f"ada@{MEANT}"}, f"ada@{MEANT}"), ({"keep": "yes"}, f"ada@{TYPED}")],
)
def test_a_hint_has_two_buttons_and_works_without_script(
    client: FlaskClient, stage: Stage, sign_up: SignUp, button: dict[str, str], kept: str
) -> None:
    asked = sign_up(f"ada@{TYPED}")
    assert asked.status_code == 422 and f"Did you mean ada@{MEANT}?" in asked.text and emails() == []
    assert f'value="ada@{TYPED}"' in asked.text and re.search(rf'value="{stage.news}" checked', asked.text)
    token = re.search(r'name="form_token" value="([^"]+)"', asked.text)
    assert token is not None
    answer = sign_up(f"ada@{TYPED}", form_token=token[1], doubted=f"ada@{TYPED}", **button)
    assert answer.status_code == 200 and emails() == [kept]


def test_a_button_is_about_the_address_it_stood_under(client: FlaskClient, stage: Stage, sign_up: SignUp) -> None:
    # Corrected by hand, then sent with the Enter key, which presses the first button.
    sent = sign_up("ada@example.com", doubted=f"ada@{TYPED}", use=f"ada@{MEANT}")
    assert sent.status_code == 200 and emails() == ["ada@example.com"]
    assert sign_up(f"ada@{ANOTHER}", doubted=f"ada@{TYPED}", keep="yes").status_code == 422


def test_the_script_gets_the_hint_as_words(client: FlaskClient, stage: Stage) -> None:
    token = shown_token(client, stage.form)
    sent = {"form_token": token, "language": "fr", "email": f"ada@{TYPED}", "topic": [stage.news]}
    answer = client.post(f"/embed/{stage.form}", data={**sent, "form_token": shown_token(client, stage.form)})
    assert answer.status_code == 422
    french = client.post(
        f"/embed/{stage.form}",
        data={**sent, "form_token": shown_token(client, stage.form, query="lang=fr")},
    )
    assert french.json["doubt"]["suggestion"] == f"ada@{MEANT}"


@pytest.mark.parametrize(("option", "first", "kept"), [("allow", 200, 200), ("warn", 422, 200), ("refuse", 422, 422)])
def test_throwaway_addresses_are_taken_questioned_or_refused(
    client: FlaskClient, stage: Stage, sign_up: SignUp, option: str, first: int, kept: int
) -> None:
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET disposable = :option"), {"option": option})
    assert sign_up(f"ada@{THROWAWAY}").status_code == first
    sent = sign_up(f"ada@{THROWAWAY}", doubted=f"ada@{THROWAWAY}", keep="yes")
    assert sent.status_code == kept


def test_common_domains_come_from_the_databases_own_statistics(db: Engine, stage: Stage) -> None:
    with unit_of_work() as session:
        session.execute(
            text(
                "INSERT INTO contact (email, email_key, address_key) SELECT e, e, sha256(e::bytea) FROM"
                " (SELECT 'p' || n || CASE WHEN n < 900 THEN '@loriot.example' ELSE '@d' || n || '.example' END e"
                "  FROM generate_series(1, 1000) n) people"
            )
        )
    with db.connect() as connection:
        connection.execute(text("ANALYZE contact"))
        connection.commit()
    with unit_of_work() as session:
        assert common_domains(session) == ["loriot.example"]


class Resolver(dns.resolver.Resolver):
    """Knows example.com, says no to nowhere.example, and fails for the rest."""

    def __init__(self) -> None:
        super().__init__(configure=False)
        self.asked: list[str] = []

    def resolve(self, qname: object, rdtype: object = "A", *_: object, **__: object) -> object:  # type: ignore[override]
        self.asked.append(str(qname))
        if qname == "nowhere.example":
            raise dns.resolver.NXDOMAIN
        if qname == "slow.example":
            raise dns.resolver.LifetimeTimeout(timeout=2, errors=[])
        if qname == "broken.example":
            raise OSError("no network")

        class Record:
            preference, exchange = 10, "mx.example.com."

        return [Record()]


@pytest.fixture
def resolver(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    monkeypatch.setattr(config, "_current", settings.model_copy(update={"check_mx": True}))
    made = Resolver()
    mail_domains.resolve_with(made)
    yield made
    mail_domains.resolve_with(None)


def test_a_domain_without_mail_is_refused_and_every_answer_remembered(
    client: FlaskClient, stage: Stage, sign_up: SignUp, resolver: Resolver, valkey: redis.Redis
) -> None:
    for _ in range(2):
        refused = sign_up("ada@nowhere.example")
        assert refused.status_code == 422 and "receives no mail" in refused.text
        assert sign_up("ada@example.com").status_code == 200
    assert resolver.asked == ["nowhere.example", "example.com"]
    assert 0 < valkey.ttl("mx:nowhere.example") <= 3600 < valkey.ttl("mx:example.com")


@pytest.mark.parametrize("domain", ["slow.example", "broken.example"])
def test_a_resolver_that_fails_keeps_nobody_out(
    client: FlaskClient, stage: Stage, sign_up: SignUp, resolver: Resolver, valkey: redis.Redis, domain: str
) -> None:
    assert sign_up(f"ada@{domain}").status_code == 200
    assert valkey.get(f"mx:{domain}") is None


@pytest.mark.parametrize(("option", "kept"), [("warn", 200), ("refuse", 422)])
def test_a_mistyped_provider_is_asked_about_before_it_is_called_a_throwaway(
    client: FlaskClient, stage: Stage, sign_up: SignUp, option: str, kept: int
) -> None:
    assert typos.disposable(TYPED)  # somebody lies in wait there
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET disposable = :option"), {"option": option})
    assert "Did you mean" in sign_up(f"ada@{TYPED}").text
    assert sign_up(f"ada@{TYPED}", doubted=f"ada@{TYPED}", use=f"ada@{MEANT}").status_code == 200
    assert sign_up(f"ada@{TYPED}", doubted=f"ada@{TYPED}", keep="yes").status_code == kept
