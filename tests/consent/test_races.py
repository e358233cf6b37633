"""Acts of one person that meet: each ends whole or says that the link is used up, none fails, and the chain holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.db import unit_of_work
from app.core.errors import InvalidToken
from app.customers.queries.contacts import by_address, contact
from consent.policy.ladder import State
from consent.policy.standing import Actor
from consent.queries import permissions
from consent.queries.verify import verify
from consent.services import address
from consent.services.confirm import Visit, confirm
from consent.services.erase import erase
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make

HERE = Visit("127.0.0.1", "Firefox", "http://localhost/confirm")
ROUNDS = 6  # most meet within three


@dataclass(frozen=True)
class Confirming:
    """The button behind a confirmation mail."""

    token: str
    also: tuple[int, ...] = ()

    def __call__(self) -> None:
        with unit_of_work() as session:
            confirm(session, self.token, HERE, also=self.also)


@dataclass(frozen=True)
class Moving:
    """The button in a new mailbox."""

    token: str

    def __call__(self) -> None:
        with unit_of_work() as session:
            address.confirm(session, self.token, HERE, "I would like to")


@dataclass(frozen=True)
class Erasing:
    """The button that erases."""

    contact_id: int

    def __call__(self) -> None:
        with unit_of_work() as session:
            erase(session, self.contact_id, actor=Actor.SUBSCRIBER)


def meet(*acts: Callable[[], None]) -> None:
    """Begin all at once; what may go wrong is that a link is used up."""
    gate, failed = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        gate.wait()
        try:
            act()
        except InvalidToken:
            pass
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def gone(contact_id: int) -> bool:
    with unit_of_work() as session:
        person = contact(session, contact_id)
        return person.erased_at is not None and person.email is None and verify(session).broken is None


@pytest.fixture
def asked(
    mailbox: Mailbox, sign_up: Callable[..., TestResponse], run_jobs: Callable[[], int]
) -> Callable[[str, int], str]:
    """Sign up for a topic and return the token that came by mail."""

    def send(email: str, topic_id: int) -> str:
        sign_up(email, topic=[topic_id])
        run_jobs()
        with unit_of_work() as session:  # half a day later the next mail may go out
            session.execute(text("UPDATE sign_up SET mailed_at = mailed_at - interval '13 hours'"))
        return mailbox.confirm_path().rsplit("/", 1)[1]

    return send


def test_confirming_while_being_erased(stage: Stage, asked: Callable[[str, int], str]) -> None:
    for number in range(ROUNDS):
        email = f"ada{number}@example.com"
        with unit_of_work() as session:
            ada = make.permitted_contact(session, stage.offers, email)
        meet(Confirming(asked(email, stage.news)), Erasing(ada))
        assert gone(ada)


def test_moving_to_another_address_while_being_erased(stage: Stage) -> None:
    for number in range(ROUNDS):
        with unit_of_work() as session:
            ada = make.permitted_contact(session, stage.news, f"ada{number}@example.com")
            wanted = address.request(session, contact(session, ada), stage.brand, f"new{number}@example.org", "en")
        assert wanted is not None
        meet(Moving(address.token_for(wanted)), Erasing(ada))
        assert gone(ada)


def test_two_confirmations_of_somebody_new(stage: Stage, asked: Callable[[str, int], str]) -> None:
    both = (stage.news, stage.offers)
    for number in range(ROUNDS):
        email = f"ada{number}@example.com"
        links = [asked(email, topic) for topic in both]
        assert links[0] != links[1]
        meet(*(Confirming(link, also=both) for link in links))
        with unit_of_work() as session:
            ada = by_address(session, email)
            assert ada is not None
            known = permissions.of_contact(session, ada.id)
            assert {topic: standing.state for topic, standing in known.items()} == dict.fromkeys(both, State.GRANTED)
            assert verify(session).broken is None


def test_one_confirmation_pressed_twice_is_one_entry(stage: Stage, asked: Callable[[str, int], str]) -> None:
    link = asked("ada@example.com", stage.news)
    meet(*[Confirming(link)] * 4)
    with unit_of_work() as session:
        ada = by_address(session, "ada@example.com")
        assert ada is not None
        said = [entry.act.action for entry in permissions.entries(session, ada.id)]
    assert said.count("confirm") == 1
