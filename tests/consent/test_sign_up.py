"""From the form to the confirmed permission, and what an attacker gets out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app.core import clock as core_clock
from app.core import tokens
from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address
from app.customers.services.contacts import change_address
from consent.policy.ladder import Level, State
from consent.queries import forms, permissions
from consent.services.ageing import expiry
from consent.services.forms import FormSpec
from consent.services.forms import update as update_form
from consent.services.sign_up import ROWS_A_DAY
from consent.services.suppress import suppress_address
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make

SignUp = Callable[..., object]


def ledger() -> list[tuple[object, ...]]:
    with unit_of_work() as session:
        rows = session.execute(text("SELECT action, state, level, subject FROM permission_event ORDER BY id"))
        return [tuple(row) for row in rows]


def test_a_person_signs_up_and_confirms(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    answer = sign_up("Ada@example.com", tracking="yes")
    assert answer.status_code == 200 and "Look in your mailbox" in answer.text
    run_jobs()
    with unit_of_work() as session:
        assert by_address(session, "ada@example.com") is None  # nobody yet: only the request is kept
    page = client.get(mailbox.confirm_path())
    assert "Confirm my subscription" in page.text and "Ada@" not in page.text
    assert ledger() == []
    done = client.post(mailbox.confirm_path(), headers={"User-Agent": "Firefox"})
    assert "You are subscribed" in done.text
    assert ledger() == [
        ("request", "pending", "opt_in", "topic"),
        ("confirm", "granted", "confirmed", "topic"),
        ("confirm", "granted", "confirmed", "tracking"),
    ]
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None and found.email == "Ada@example.com"
        standing = permissions.of_contact(session, found.id)[stage.news]
        assert (standing.state, standing.level) == (State.GRANTED, Level.CONFIRMED)
        assert permissions.tracking_of_contact(session, found.id) == {stage.brand: True}
        last = permissions.entries(session, found.id)[1]
    # Row 36 and 51: who, when, the exact words and their version, from where.
    assert "I would like to receive e-mails" in last.wording and last.wording_version == 1
    assert last.evidence["ip"] == "127.0.0.1" and last.evidence["user_agent"] == "Firefox"


def test_a_button_in_a_mailbox_speaks_for_that_address_alone(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        known = make.make_contact(session, "ada@example.com")
    sign_up("ada@example.com")
    run_jobs()
    with unit_of_work() as session:
        assert permissions.of_contact(session, known)[stage.news].state is State.PENDING
        change_address(session, known, "ada@example.org")
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        assert permissions.of_contact(session, known)[stage.news].state is State.PENDING
        holder = by_address(session, "ada@example.com")
        assert holder is not None and holder.id != known
        assert permissions.of_contact(session, holder.id)[stage.news].state is State.GRANTED


def test_row_52_the_confirmation_mail_is_neutral_and_untracked(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    sign_up("ada@example.com")
    run_jobs()
    (mail,) = mailbox.mails
    assert mail["Auto-Submitted"] == "auto-generated"  # row 24
    assert mail["DKIM-Signature"] and mail["To"] and "List-Unsubscribe" not in mail
    part = mail.get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert "<img" not in html and "/c/" not in html and "/o/" not in html
    links = set(re.findall(r'href="([^"]+)"', html))
    assert len(links) == 1 and "/confirm/" in links.pop()


def test_a_second_click_on_an_old_confirmation_cannot_undo_a_withdrawal(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    sign_up("ada@example.com")
    run_jobs()
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
    client.post(f"/unsubscribe/{stage.permission_token(found.id)}")
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        assert permissions.of_contact(session, found.id)[stage.news].state is State.WITHDRAWN


def test_row_59_list_bombing_sends_at_most_one_mail(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    answers = {sign_up("victim@example.com", topic=[stage.news, stage.offers]).text for _ in range(200)}
    run_jobs()
    assert len(mailbox.mails) == 1
    assert len(answers) == 1


@pytest.mark.parametrize("spelling", ["victim+{}@example.com", "vi.ctim+{}@gmail.com"])
def test_row_59_a_mailbox_is_not_bombed_by_spelling_it_anew(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int], spelling: str
) -> None:
    for number in range(20):
        sign_up(spelling.format(number))
    run_jobs()
    assert len(mailbox.mails) == 1


def test_row_59_further_topics_asked_for_meanwhile_are_offered_unticked(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    sign_up("ada@example.com", topic=[stage.news])
    sign_up("ada@example.com", topic=[stage.offers])
    run_jobs()
    assert len(mailbox.mails) == 1
    page = client.get(mailbox.confirm_path()).text
    assert re.search(rf'name="also" value="{stage.offers}">', page)
    client.post(mailbox.confirm_path(), data={"also": [stage.offers]})
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        assert {stage.news, stage.offers} == set(permissions.of_contact(session, found.id))


def test_row_38_ticking_one_further_topic_permits_nothing_else_of_that_request(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        events = make.make_topic(session, stage.brand, "Events")
        known = forms.by_slug(session, stage.form)
        texts = {kind: {"en": known.text(kind, "en")} for kind in forms.KINDS}
        topic_ids = (stage.news, stage.offers, events)
        update_form(session, known.id, FormSpec("Home page", stage.brand, topic_ids, texts=texts))
    sign_up("ada@example.com", topic=[stage.news])
    sign_up("ada@example.com", topic=[stage.offers, events], tracking="yes")  # by anybody who knows the address
    run_jobs()
    client.post(mailbox.confirm_path(), data={"also": [stage.offers]})
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        states = {key: standing.state for key, standing in permissions.of_contact(session, found.id).items()}
        assert states == {stage.news: State.GRANTED, stage.offers: State.GRANTED, events: State.PENDING}
        assert permissions.tracking_of_contact(session, found.id) == {}


def test_row_62_known_and_unknown_addresses_look_the_same(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        make.permitted_contact(session, stage.news, "known@example.com")
        gone = make.permitted_contact(session, stage.news, "left@example.com")
        make.act(session, gone, make.Action.WITHDRAW, topic_id=stage.news)
        suppress_address(session, email_key="bounced@example.com", reason="hard_bounce")
    seen = set()
    for kind in ("known", "left", "bounced", "unknown"):
        answer = sign_up(f"{kind}@example.com")
        seen.add((answer.status_code, answer.text))
    assert len(seen) == 1  # that it does the same work, too, stands in test_form_flood; the time, in tests/proofs
    run_jobs()
    assert "bounced@example.com" not in {mail["To"] for mail in mailbox.mails}


@pytest.mark.parametrize("fields", [{"homepage": "https://spam.example"}, {"form_token": "x"}, {"form_token": ""}])
def test_machines_are_not_answered_with_mail(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int], fields: dict[str, str]
) -> None:
    sign_up("ada@example.com", **fields)
    run_jobs()
    assert mailbox.mails == []


def test_one_place_cannot_ask_for_many(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    for number in range(40):
        assert sign_up(f"person{number}@example.com").status_code == 200
    run_jobs()
    assert len(mailbox.mails) == 30


def test_public_pages_set_no_cookie(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        token = stage.permission_token(make.permitted_contact(session, stage.news))
    for path in (f"/subscribe/{stage.form}", f"/preferences/{token}", f"/unsubscribe/{token}"):
        assert "Set-Cookie" not in client.get(path).headers, path


def test_a_form_may_lead_to_the_brands_own_page(client: FlaskClient, stage: Stage, sign_up: SignUp) -> None:
    assert "form-action 'self';" in client.get(f"/subscribe/{stage.form}").headers["Content-Security-Policy"]
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET redirect_url = 'https://shop.example:8443/thanks?a=1'"))
    page = client.get(f"/subscribe/{stage.form}")
    # Browsers hold the redirect after a form against the policy of the form's page.
    assert "form-action 'self' https://shop.example:8443;" in page.headers["Content-Security-Policy"]
    sent = sign_up("ada@example.com")
    assert (sent.status_code, sent.location) == (303, "https://shop.example:8443/thanks?a=1")


def test_a_form_answers_what_is_wrong(client: FlaskClient, stage: Stage, sign_up: SignUp) -> None:
    answer = sign_up("not an address")
    assert answer.status_code == 422 and "not a valid e-mail address" in answer.text
    assert sign_up("ada@example.com", topic=[]).status_code == 422
    assert client.get("/subscribe/nothing").status_code == 404


def test_an_expired_link_offers_a_fresh_one(
    client: FlaskClient,
    stage: Stage,
    mailbox: Mailbox,
    sign_up: SignUp,
    run_jobs: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign_up("ada@example.com")
    run_jobs()
    path = mailbox.confirm_path()
    with unit_of_work() as session:
        session.execute(
            text(
                "UPDATE sign_up SET expires_at = now() - interval '1 hour', created_at = now() - interval '8 days',"
                " mailed_at = now() - interval '8 days'"
            )
        )
    late = client.get(path)
    assert late.status_code == 410 and "Send me a fresh link" in late.text
    assert client.post(path).status_code == 410 and ledger() == []
    assert client.post(f"{path}/renew").status_code == 200
    run_jobs()
    assert len(mailbox.mails) == 2
    assert "You are subscribed" in client.post(mailbox.confirm_path()).text


def test_row_59_an_expired_link_asked_for_again_and_again_fills_no_table(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    sign_up("ada@example.com")
    run_jobs()
    with unit_of_work() as session:
        session.execute(text("UPDATE sign_up SET expires_at = now()"))
    for _ in range(ROWS_A_DAY + 5):
        assert client.post(f"{mailbox.confirm_path()}/renew").status_code == 200
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM sign_up")).scalar_one() == ROWS_A_DAY


def test_row_61_tokens_work_for_their_purpose_only(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        one = make.permitted_contact(session, stage.news)
    footer = stage.permission_token(one)
    engagement = tokens.sign_message(tokens.Purpose.ENGAGEMENT, 7, one)
    access = tokens.sign_timed(tokens.Purpose.ACCESS, {"s": 1, "n": "x"})
    flipped = [footer[:n] + ("A" if footer[n] != "A" else "B") + footer[n + 1 :] for n in range(0, 32, 3)]
    for path in (f"/confirm/{footer}", f"/confirm/{access}", f"/preferences/{engagement}", f"/unsubscribe/{access}"):
        assert client.get(path).status_code == 404, path
    for token in [*flipped, engagement, access]:
        answer = client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 404 and "example.com" not in answer.text
    with unit_of_work() as session:
        assert permissions.of_contact(session, one)[stage.news].state is State.GRANTED


def test_sign_ups_are_purged_after_their_time(db: Engine, stage: Stage, sign_up: SignUp, clock: object) -> None:
    sign_up("ada@example.com")
    clock.forward(timedelta(days=36))  # type: ignore[attr-defined]
    with unit_of_work() as session:
        assert not list(session.scalars(expiry.ended_sign_ups(core_clock.now())))
    clock.forward(timedelta(days=2))  # type: ignore[attr-defined]
    with unit_of_work() as session:
        ended = list(session.scalars(expiry.ended_sign_ups(core_clock.now())))
        expiry.forget_sign_ups(session, ended)
        assert len(ended) == 1 and not list(session.scalars(expiry.ended_sign_ups(core_clock.now())))
