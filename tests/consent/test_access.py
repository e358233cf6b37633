"""The pages behind a fresh link to the mailbox: the link itself, details, address, what is held, erasure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text

from app.brands.queries import brands
from app.brands.services.set_up import create_sender
from app.core import db as core_db
from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from app.customers.services import fields
from app.customers.services.contacts import change_address
from consent.policy.access import IP_HOUR_REQUESTS, ROWS
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor
from consent.queries import permissions, topics
from consent.queries.verify import verify
from consent.services import access
from consent.services.erase import erase
from consent.services.suppress import suppress_address
from consent.tasks.access import purge_pages
from tests.conftest import Clock
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make


@pytest.fixture
def ada(stage: Stage) -> int:
    """Somebody who permits both topics and tracking."""
    with unit_of_work() as session:
        contact_id = make.permitted_contact(session, stage.news, "ada@example.com", first_name="Ada")
        make.grant(session, contact_id, stage.offers)
        make.track(session, contact_id, stage.brand)
    return contact_id


@pytest.fixture
def door(stage: Stage, ada: int) -> str:
    """The path of Ada's own pages."""
    with unit_of_work() as session:
        return f"/access/{access.token_for(ada, contact(session, ada).address_key or b'', stage.brand)}"


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage, kind: str) -> str:
    found = re.search(rf"https?://[^/\s]+(/{kind}/[\w.-]+)", text_of(mail))
    assert found is not None
    return found[1]


def test_a_link_comes_to_the_mailbox_on_record(
    client: FlaskClient, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    assert client.get("/access").status_code == 200
    answer = client.post("/access", data={"email": "Ada@Example.com"})
    assert "Look in your mailbox" in answer.text
    run_jobs()
    assert mailbox.mails[-1]["To"] == "ada@example.com" and mailbox.mails[-1]["Auto-Submitted"] == "auto-generated"
    page = client.get(link_in(mailbox.mails[-1], "access")).text
    assert "Hello Ada" in page and "ada@example.com" in page


def test_row_62_known_and_unknown_addresses_get_the_same_answer_by_the_same_work(
    client: FlaskClient, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    client.get("/access")
    answers, statements, jobs = [], [], []
    for address in ("ada@example.com", "nobody@example.org"):
        seen: list[str] = []
        hear = lambda *call, seen=seen: seen.append(call[2])  # noqa: E731
        event.listen(core_db.engine(), "before_cursor_execute", hear)
        answer = client.post("/access", data={"email": address})
        event.remove(core_db.engine(), "before_cursor_execute", hear)
        answers.append((answer.status_code, answer.text, sorted(answer.headers.keys())))
        statements.append(seen)
        jobs.append(run_jobs())
    assert answers[0] == answers[1] and statements[0] == statements[1] and jobs == [1, 1]
    assert [mail["To"] for mail in mailbox.mails] == ["ada@example.com"]


def test_one_mailbox_gets_few_links(
    client: FlaskClient, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    bodies = {client.post("/access", data={"email": "ada@example.com"}).text for _ in range(30)}
    assert len(bodies) == 1
    run_jobs()
    assert len(mailbox.mails) == 1  # none while the last one is good
    with unit_of_work() as session:
        rows = session.execute(text("SELECT count(*) FROM access_request")).scalar_one()
        kept = session.execute(text("SELECT string_agg(t::text, ' ') FROM access_request t")).scalar_one()
    assert rows == ROWS and "ada@" not in kept


def test_row_59_one_line_cannot_ask_for_many_links(client: FlaskClient, stage: Stage) -> None:
    for number in range(40):
        where = {"REMOTE_ADDR": f"2001:db8::{number:x}"}
        assert client.post("/access", data={"email": f"p{number}@example.com"}, environ_base=where).status_code == 200
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM access_request")).scalar_one() == IP_HOUR_REQUESTS


def test_row_39_a_restriction_by_staff_keeps_nobody_from_their_data(
    client: FlaskClient, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        suppress_address(session, email_key="ada@example.com", reason="manual", source="request 7: restriction")
    client.post("/access", data={"email": "ada@example.com"})
    run_jobs()
    assert client.get(link_in(mailbox.mails[-1], "access")).status_code == 200


def test_a_bad_address_is_told_so(client: FlaskClient, stage: Stage) -> None:
    answer = client.post("/access", data={"email": "ada@"})
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text


def test_the_mail_comes_from_a_brand_that_the_person_knows(
    client: FlaskClient, stage: Stage, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        topic = make.make_topic(session, name="Elsewhere")
        other = topics.topic(session, topic).brand_id
        create_sender(session, other, name="Elsewhere", email="hello@elsewhere.example")
        slug, name = (found := brands.brand(session, other)).slug, found.name
    assert name in client.get(f"/access?brand={slug}").text and name not in client.get("/access").text
    client.post(f"/access?brand={slug}", data={"email": "ada@example.com"})
    run_jobs()
    with unit_of_work() as session:
        make.grant(session, ada, topic)
        session.execute(text("UPDATE access_request SET mailed_at = mailed_at - interval '31 minutes'"))
    client.post(f"/access?brand={slug}", data={"email": "ada@example.com"})
    run_jobs()
    assert name not in mailbox.mails[0]["Subject"] and name in mailbox.mails[1]["Subject"]


def test_a_damaged_link_leads_to_where_a_new_one_is_asked_for(client: FlaskClient, stage: Stage, ada: int) -> None:
    for path in (f"/preferences/{stage.permission_token(ada)[:-3]}AAA", "/access/x", "/unsubscribe/x"):
        answer = client.get(path)
        assert (
            answer.status_code == 404 and 'href="/access"' in answer.text and not answer.headers.getlist("Set-Cookie")
        )


def test_from_a_footer_link_it_goes_to_the_mailbox_alone(
    client: FlaskClient, stage: Stage, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    answer = client.post(f"/preferences/{stage.permission_token(ada)}/access")
    assert "a•••@e•••.com" in answer.text and "ada@" not in answer.text
    run_jobs()
    assert [mail["To"] for mail in mailbox.mails] == ["ada@example.com"]


def test_an_expired_link_offers_a_fresh_one_to_the_mailbox(
    client: FlaskClient, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int], clock: Clock
) -> None:
    assert client.get(f"{door}/data").status_code == 200
    clock.forward(timedelta(minutes=31))
    for path in ("", "/data", "/data.json", "/details", "/mails", "/erase"):
        late = client.get(door + path)
        assert late.status_code == 410 and "ada@" not in late.text and f"{door}/renew" in late.text
    assert client.post(f"{door}/erase", data={"sure": "yes"}).status_code == 410
    client.post(f"{door}/renew")
    run_now(run_jobs)
    assert client.get(link_in(mailbox.mails[-1], "access")).status_code == 200
    clock.forward(timedelta(days=31))
    assert client.post(f"{door}/renew").status_code == 404


def test_a_link_ends_with_the_address_and_with_the_person(client: FlaskClient, ada: int, door: str) -> None:
    with unit_of_work() as session:
        change_address(session, ada, "ada@example.org")
    assert client.get(door).status_code == 404
    with unit_of_work() as session:
        change_address(session, ada, "ada@example.com")
    assert client.get(door).status_code == 200
    with unit_of_work() as session:
        erase(session, ada, actor=Actor.STAFF)
    assert client.get(door).status_code == 404 and client.post(f"{door}/renew").status_code == 404


def run_now(run_jobs: Callable[[], int]) -> int:
    """Run what was enqueued while the product's clock was ahead of the database's."""
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET due_at = now()"))
    return run_jobs()


def shown(page: str) -> dict[str, str]:
    """Return what a browser would send back of the details page."""
    fields = dict(re.findall(r'<input type="hidden" name="(shown_\w+)" value="([^"]*)"', page))
    return fields | {name.removeprefix("shown_"): value for name, value in fields.items()}


def test_details_that_are_open_can_be_changed_and_no_others(client: FlaskClient, ada: int, door: str) -> None:
    with unit_of_work() as session:
        fields.declare(session, "birthday", "date", {"en": "Birthday"}, subscriber_may_edit=True)
        choices = ("tea", "coffee", "juice")
        fields.declare(session, "likes", "choices", {"en": "Likes"}, choices=choices, subscriber_may_edit=True)
        fields.declare(session, "score", "number", {"en": "Score"})
    page = client.get(f"{door}/details").text
    assert 'autocomplete="given-name"' in page and 'autocomplete="bday"' in page and "Score" not in page
    sent = shown(page) | {"first_name": "Augusta", "language": "fr", "birthday": "1815-12-10", "score": "9"}
    answer = client.post(f"{door}/details", data={**sent, "likes": ["tea", "juice"], "shown_score": ""})
    assert answer.status_code == 303
    with unit_of_work() as session:
        person = contact(session, ada)
        assert (person.first_name, person.language) == ("Augusta", "fr")
        assert person.attributes == {"birthday": "1815-12-10", "likes": ["tea", "juice"]}
    page = client.get(f"{door}/details").text
    assert '<html lang="fr"' in page
    wrong = client.post(f"{door}/details", data=shown(page) | {"birthday": "soon"})
    assert wrong.status_code == 422 and 'id="error-birthday" role="alert"' in wrong.text


def test_an_old_tab_takes_no_detail_back(client: FlaskClient, ada: int, door: str) -> None:
    first, second = (shown(client.get(f"{door}/details").text) for _ in range(2))
    client.post(f"{door}/details", data=first | {"first_name": "Augusta"})
    client.post(f"{door}/details", data=second | {"last_name": "King"})
    with unit_of_work() as session:
        assert contact(session, ada).name == "Augusta King"


def ask_change(client: FlaskClient, door: str, mailbox: Mailbox, run_jobs: Callable[[], int], email: str) -> str:
    """Ask for another address; return the path of the link that came to the new mailbox."""
    assert client.post(f"{door}/address", data={"email": email}).status_code == 200
    run_jobs()
    assert mailbox.mails[-1]["To"] == email
    return link_in(mailbox.mails[-1], "address")


def test_row_40_a_change_of_address_is_confirmed_in_the_new_mailbox_and_permission_follows(
    client: FlaskClient, stage: Stage, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        soft = make.make_topic(session, stage.brand, "Events")
        make.grant(session, ada, soft, level=Level.OPT_OUT, basis=Basis.SOFT_OPT_IN)
        make.act(session, ada, Action.WITHDRAW, topic_id=stage.offers)
    path = ask_change(client, door, mailbox, run_jobs, "ada@example.org")
    assert "a•••@e•••.com" in text_of(mailbox.mails[-1]) and "ada@example.com" not in text_of(mailbox.mails[-1])
    page = client.get(path).text
    assert "News" in page and "Offers" not in page
    with unit_of_work() as session:
        assert contact(session, ada).email == "ada@example.com"  # GET changes nothing
    assert "Your address is changed" in client.post(path).text
    run_jobs()
    assert mailbox.mails[-1]["To"] == "ada@example.com" and "dpo@example.com" in text_of(mailbox.mails[-1])
    with unit_of_work() as session:
        person = contact(session, ada)
        known = permissions.of_contact(session, ada)
        assert person.email == "ada@example.org"
        assert {known[topic].address_key for topic in (stage.news, soft)} == {person.address_key}
        assert (known[stage.news].level, known[soft].basis) == (Level.CONFIRMED, Basis.SOFT_OPT_IN)
        assert known[stage.offers].state is State.WITHDRAWN
        written = permissions.entries(session, ada)[-3:]
        assert [entry.act.action for entry in written] == [Action.CORRECT, Action.CONFIRM, Action.GRANT]
        assert {entry.act.actor for entry in written} == {Actor.SUBSCRIBER} and "this address" in written[1].wording
        assert verify(session).broken is None
    before = len(mailbox.mails)
    assert "Your address is changed" in client.post(path).text and run_jobs() == 0 and len(mailbox.mails) == before


def test_an_objection_does_not_stay_behind_with_the_address(
    client: FlaskClient, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    client.post(f"{door}/object")
    assert "objection is recorded" in client.get(f"{door}/object").text
    client.post(ask_change(client, door, mailbox, run_jobs, "ada@example.org"))
    with unit_of_work() as session:
        assert contact(session, ada).objected_at is not None


def test_an_address_of_somebody_else_is_not_taken_and_not_told_before_it_is_proven(
    client: FlaskClient, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        make.make_contact(session, "bob@example.com")
    bodies = [
        client.post(f"{door}/address", data={"email": email}).text.replace(email, "")
        for email in ("bob@example.com", "new@example.com")
    ]
    assert bodies[0] == bodies[1]
    run_jobs()
    taken = client.post(link_in(mailbox.mails[0], "address"))
    assert taken.status_code == 409
    with unit_of_work() as session:
        assert contact(session, ada).email == "ada@example.com"
        assert session.execute(text("SELECT count(*) FROM address_change WHERE confirmed_at IS NOT NULL")).scalar() == 0


def test_a_change_that_came_too_late_can_be_asked_for_anew(
    client: FlaskClient, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int], clock: Clock
) -> None:
    path = ask_change(client, door, mailbox, run_jobs, "ada@example.org")
    clock.forward(timedelta(hours=25))
    assert client.get(path).status_code == client.post(path).status_code == 410
    client.post(f"{path}/renew")
    run_now(run_jobs)
    assert "Your address is changed" in client.post(link_in(mailbox.mails[-1], "address")).text


def test_few_strangers_can_be_written_to_by_changes_of_address(
    client: FlaskClient, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    for number in range(9):
        assert client.post(f"{door}/address", data={"email": f"p{number}@example.net"}).status_code == 200
    run_jobs()
    assert len(mailbox.mails) == 5
    assert client.post(f"{door}/address", data={"email": "ada@example.com"}).status_code == 422


def test_all_that_is_held_is_shown_and_handed_over(client: FlaskClient, stage: Stage, ada: int, door: str) -> None:
    page = client.get(f"{door}/data").text
    for word in ("ada@example.com", "News", "consent", "Confirmed", "Example SAS"):
        assert word in page
    held = client.get(f"{door}/data.json")
    assert held.headers["Content-Disposition"].startswith("attachment") and held.json is not None
    assert held.json["contact"]["email"] == "ada@example.com"
    table = client.get(f"{door}/data.csv").text
    assert table.splitlines()[0] == "section,record,field,value" and "contact,1,email,ada@example.com" in table
    assert "ada@example.com" in client.get(f"{door}/data.html").text
    french = client.get(f"{door}/data?lang=fr").text
    assert "Base légale" in french and "What it is" not in french and "Privacy rights" not in french
    assert client.get(f"{door}/data.exe").status_code == 404


def test_what_is_handed_over_runs_nowhere(client: FlaskClient, ada: int, door: str) -> None:
    client.post(f"{door}/details", data={"shown_first_name": "Ada", "first_name": "=HYPERLINK(1)"})
    client.post(f"{door}/details", data={"shown_last_name": "", "last_name": "<script>alert(1)</script>"})
    assert "'=HYPERLINK(1)" in client.get(f"{door}/data.csv").text
    for path in ("", "/data", "/data.html", "/details"):
        assert "<script>alert" not in client.get(door + path).text


def test_preferences_behind_the_link(client: FlaskClient, stage: Stage, ada: int, door: str) -> None:
    with unit_of_work() as session:
        other = make.make_topic(session, name="Elsewhere")
        make.grant(session, ada, other)
    paths = re.findall(r'href="(/access/[^"]+/preferences/[\w-]+)"', client.get(door).text)
    assert len(paths) == 2
    for path in paths:
        assert client.post(path, data={"act": "none"}).status_code == 303
    with unit_of_work() as session:
        known = permissions.of_contact(session, ada)
        assert {known[topic].state for topic in (stage.news, stage.offers, other)} == {State.WITHDRAWN}


def test_erasing_oneself_takes_a_tick_and_ends_in_a_last_mail(
    client: FlaskClient, ada: int, door: str, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    client.post("/access", data={"email": "ada@example.com"})
    client.post(f"{door}/address", data={"email": "ada@example.org"})
    run_jobs()
    assert client.post(f"{door}/erase").status_code == 422
    done = client.post(f"{door}/erase", data={"sure": "yes"})
    assert "You are erased" in done.text and "ada@" not in done.text
    with unit_of_work() as session:
        assert contact(session, ada).erased_at is not None
        assert session.execute(text("SELECT count(*) FROM access_request")).scalar_one() == 0
        assert session.execute(text("SELECT count(*) FROM address_change")).scalar_one() == 0
        assert "ada" not in json.dumps(session.execute(text("SELECT args FROM job")).scalars().all())
    run_jobs()
    assert mailbox.mails[-1]["To"] == "ada@example.com" and mailbox.mails[-1]["Subject"].startswith(
        "Your data is erased"
    )
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM job WHERE name LIKE 'consent.%'")).scalar_one() == 0


def test_a_last_mail_that_cannot_be_sent_leaves_nothing_behind(
    client: FlaskClient, ada: int, door: str, run_jobs: Callable[[], int], clock: Clock
) -> None:
    client.post(f"{door}/erase", data={"sure": "yes"})
    clock.forward(timedelta(hours=21))
    assert run_jobs() == 1
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM job WHERE name LIKE 'consent.%'")).scalar_one() == 0


def test_requests_and_changes_are_forgotten_in_time(client: FlaskClient, ada: int, door: str, clock: Clock) -> None:
    client.post("/access", data={"email": "ada@example.com"})
    client.post(f"{door}/address", data={"email": "ada@example.org"})
    clock.forward(timedelta(days=31))
    purge_pages.function()
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM access_request")).scalar_one() == 0
        assert session.execute(text("SELECT count(*) FROM address_change")).scalar_one() == 0
