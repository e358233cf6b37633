"""Row 59 over all ways by which anybody can have mail sent to somebody: forms, links to data, changes of address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core import clock, tokens
from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from consent.policy.access import DAY_MAILS, ROWS
from consent.policy.bombing import DAY_MAILS as DAY
from consent.services import access
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make


@pytest.fixture
def ada(stage: Stage) -> int:
    """The victim, who is known here."""
    with unit_of_work() as session:
        return make.permitted_contact(session, stage.news, "ada@example.com")


def door_of(email: str, stage: Stage) -> str:
    """The path of the own pages of somebody new: an attacker may have any number of mailboxes."""
    with unit_of_work() as session:
        own = make.make_contact(session, email)
        return f"/access/{access.token_for(own, contact(session, own).address_key or b'', stage.brand)}"


def test_row_59_who_holds_a_link_is_not_kept_from_their_data_by_a_stranger_who_asks_all_day(
    client: FlaskClient, stage: Stage, ada: int, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    for _ in range(10):
        for _again in range(ROWS):
            client.post("/access", data={"email": "ada@example.com"})
        run_jobs()
        with unit_of_work() as session:  # the last link ends
            for column in ("mailed_at", "created_at"):
                session.execute(text(f"UPDATE access_request SET {column} = {column} - interval '61 minutes'"))
    assert len(mailbox.mails) == DAY_MAILS
    client.post(f"/preferences/{stage.permission_token(ada)}/access")
    run_jobs()
    assert len(mailbox.mails) == DAY_MAILS + 1


@pytest.mark.parametrize("spelling", ["victim@example.net", "victim+{}@example.net", "vi.c.tim+{}@googlemail.com"])
def test_row_59_changes_of_address_count_the_mailbox_and_not_its_spellings(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, run_jobs: Callable[[], int], spelling: str
) -> None:
    """Somebody with many addresses of their own asks in the name of each for a change to the victim's."""
    for number in range(6):
        door = door_of(f"mallory{number}@example.org", stage)
        for again in range(3):
            email = spelling.format(10 * number + again)
            assert client.post(f"{door}/address", data={"email": email}).status_code == 200
    run_jobs()
    assert len(mailbox.mails) == DAY


def test_row_59_all_ways_together_send_a_victim_few_mails(
    client: FlaskClient,
    stage: Stage,
    ada: int,
    mailbox: Mailbox,
    sign_up: Callable[..., TestResponse],
    run_jobs: Callable[[], int],
) -> None:
    """Sign-ups, links to the data, changes of address, requests about the data, under all spellings, all day."""
    door = door_of("mallory@example.org", stage)
    for hour in range(24):
        sign_up("ada@example.com")
        sign_up(f"ADA+{hour}@example.com", topic=[stage.offers])
        client.post("/access", data={"email": "Ada@example.com"})
        client.post(f"/preferences/{stage.permission_token(ada)}/access")
        client.post(f"{door}/address", data={"email": f"ada+{hour}@example.com"})
        token = tokens.sign_timed(tokens.Purpose.REQUEST, {"t": clock.now().timestamp() - 9})
        about = {"kind": "access", "name": "Ada", "email": "ada@example.com", "phone": "1", "form_token": token}
        where = {"REMOTE_ADDR": f"192.0.2.{hour}"}
        assert client.post("/request", data=about, environ_base=where).status_code == 200
        run_jobs()
    told = [str(mail["Subject"]) for mail in mailbox.mails]
    assert len(told) <= 1 + DAY, told  # all within the same minute: one link to the data, and what bombing allows
