"""Unsubscribing by mail and by reply: through a Maildir, once, and only for whom it is genuine."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from app.core import jobs, tokens
from app.core.db import unit_of_work
from app.customers.services.contacts import change_address
from consent.policy.ladder import State
from consent.queries import permissions
from consent.queries.permissions import LedgerEntry
from tests.conftest import Clock
from tests.factories.campaigns import Made
from tests.factories.consent import grant
from tests.factories.inbound import ADA, answer, deliver, id_of, outcomes
from tests.factories.sending import RecordingRelay
from tracking.engine import inbound
from tracking.engine.inbound import fetch
from tracking.tasks import fetch_inbound, forget_inbound


def state(campaign: Made, address: str = ADA) -> State:
    with unit_of_work() as session:
        return permissions.of_contact(session, id_of(address))[campaign.topic_id].state


def last(address: str = ADA) -> LedgerEntry:
    with unit_of_work() as session:
        return permissions.entries(session, id_of(address))[-1]


def way_out(relay: RecordingRelay) -> str:
    """The address that the received mail itself names."""
    header = str(message_from_bytes(relay.message(ADA), policy=policy.SMTP)["List-Unsubscribe"])
    found = re.fullmatch(r"<https?://[^>]+>, <mailto:([^>?]+)\?subject=unsubscribe>", header)
    assert found is not None, header
    return found[1]


def test_the_address_in_the_header_unsubscribes_by_mail(campaign: Made, maildir: Path, relay: RecordingRelay) -> None:
    deliver(maildir, answer(way_out(relay).upper(), sender="somebody.else@example.org", Subject="unsubscribe"))
    jobs.run_periodic(fetch_inbound.name)
    assert state(campaign) is State.WITHDRAWN and state(campaign, "p2@example.net") is State.GRANTED
    entry = last()
    assert (entry.campaign_id, entry.evidence["method"]) == (campaign.id, "mailto")
    assert [path.name for path in (maildir / "cur").iterdir()] == ["1:2,S"] and outcomes() == ["unsubscribed"]
    with unit_of_work() as session:
        assert session.scalar(text("SELECT unsubscribed_at FROM message WHERE unsubscribed_at IS NOT NULL"))


@pytest.mark.parametrize("word", ["Stop", "unsubscribe", "Désinscription", "Désabonnez-moi svp"])
def test_a_reply_that_says_stop_unsubscribes(campaign: Made, maildir: Path, relay: RecordingRelay, word: str) -> None:
    identifier = str(message_from_bytes(relay.message(ADA))["Message-ID"])
    deliver(maildir, answer("news@example.com", f"{word}\n\n> Hello", In_Reply_To=identifier))
    fetch(maildir)
    assert state(campaign) is State.WITHDRAWN and last().evidence["method"] == "reply"


def test_an_answer_to_the_return_path_needs_no_reference(campaign: Made, maildir: Path) -> None:
    deliver(maildir, answer(f"{tokens.sign_return_path(campaign.id, id_of())}@bounces.example.com", "stop"))
    fetch(maildir)
    assert state(campaign) is State.WITHDRAWN


def test_who_only_has_a_copy_of_the_mail_cannot_unsubscribe_its_reader(
    campaign: Made, maildir: Path, relay: RecordingRelay
) -> None:
    identifier = str(message_from_bytes(relay.message(ADA))["Message-ID"])
    deliver(maildir, answer("news@example.com", "stop", sender="p2@example.net", In_Reply_To=identifier))
    fetch(maildir)
    assert state(campaign) is State.GRANTED and state(campaign, "p2@example.net") is State.GRANTED
    assert outcomes() == ["unauthentic"]


def test_a_former_address_is_known(campaign: Made, maildir: Path, relay: RecordingRelay) -> None:
    identifier = str(message_from_bytes(relay.message(ADA))["Message-ID"])
    person = id_of()
    with unit_of_work() as session:
        change_address(session, person, "new@example.org")
    deliver(maildir, answer("news@example.com", "stop", In_Reply_To=identifier))
    fetch(maildir)
    assert state(campaign, "new@example.org") is State.WITHDRAWN


def test_row_22_a_forged_token_does_nothing(campaign: Made, maildir: Path, relay: RecordingRelay) -> None:
    genuine = way_out(relay)
    place = len("unsubscribe+") + 47
    flipped = genuine[:place] + ("0" if genuine[place] != "0" else "1") + genuine[place + 1 :]
    return_path = tokens.sign_return_path(campaign.id, id_of())
    forged = [
        flipped,
        f"unsubscribe+{'0' * 48}@x.example",
        f"unsubscribe+{return_path}@x.example",  # made for another purpose
        f"{genuine.split('+')[1]}",
    ]
    for number, address in enumerate(forged):
        deliver(maildir, answer(address, "stop"), str(number))
    deliver(maildir, answer("news@example.com", "stop", In_Reply_To=f"<{'0' * 48}@x.example>"), "9")
    fetch(maildir)
    assert state(campaign) is State.GRANTED and set(outcomes()) == {"unauthentic"}


def test_row_23_automatic_answers_do_nothing(campaign: Made, maildir: Path, relay: RecordingRelay) -> None:
    identifier = str(message_from_bytes(relay.message(ADA))["Message-ID"])
    deliver(maildir, answer("news@example.com", "stop", In_Reply_To=identifier, Auto_Submitted="auto-replied"), "1")
    deliver(maildir, answer(way_out(relay), "I am away", Return_Path="<>"), "2")
    deliver(maildir, answer("news@example.com", "Where is my parcel?", In_Reply_To=identifier), "3")
    fetch(maildir)
    assert state(campaign) is State.GRANTED and sorted(outcomes()) == ["automatic", "automatic", "reply"]
    assert len(relay.accepted) == 2, "nothing is ever answered"


def test_a_mail_that_is_delivered_again_takes_back_no_later_yes(
    campaign: Made, maildir: Path, relay: RecordingRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = answer(way_out(relay))
    deliver(maildir, raw)
    with monkeypatch.context() as patch:
        patch.setattr(inbound, "_put_away", lambda *_: (_ for _ in ()).throw(SystemExit))  # killed behind the commit
        with pytest.raises(SystemExit):
            fetch(maildir)
    with unit_of_work() as session:
        grant(session, id_of(), campaign.topic_id)
    assert fetch(maildir) == 1 and not list((maildir / "new").iterdir())
    assert state(campaign) is State.GRANTED


def test_one_bad_file_does_not_hold_up_the_others(
    campaign: Made, maildir: Path, relay: RecordingRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    (maildir / "new" / "0").symlink_to("/etc/passwd")
    (maildir / "new" / "00").mkdir()
    deliver(maildir, answer(way_out(relay)), "1")
    os.truncate(deliver(maildir, b"From: x\n\nstop", "2"), 60_000_000)
    assert fetch(maildir) == 4
    assert state(campaign) is State.WITHDRAWN
    assert sorted(path.name for path in (maildir / "refused").iterdir()) == ["0", "0.reason", "00", "00.reason"]
    assert fetch(maildir) == 0 and fetch(maildir / "absent") == 0


def test_while_the_database_is_away_mail_waits(maildir: Path, engine_away: None) -> None:
    deliver(maildir, b"From: x\n\nhello")
    with pytest.raises(OperationalError):
        fetch(maildir)
    assert (maildir / "new" / "1").exists()


@pytest.fixture
def engine_away(db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.db._engine", create_engine("postgresql+psycopg://x@127.0.0.1:1/x"))


def test_what_came_in_is_forgotten_in_time(maildir: Path, clock: Clock) -> None:
    deliver(maildir, b"From: x\n\nhello")
    fetch(maildir)
    jobs.run_periodic(forget_inbound.name)
    assert outcomes() == ["reply"]
    clock.forward(timedelta(days=91))
    jobs.run_periodic(forget_inbound.name)
    assert outcomes() == []
