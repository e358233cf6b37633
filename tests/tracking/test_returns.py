"""Bounces, complaints and answers that come in by mail: they reach the message they are about, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core import clock as now
from app.core import tokens
from app.core.db import unit_of_work
from app.core.secrets import address_key
from app.customers.queries.contacts import contact
from app.customers.queries.timeline import timeline
from app.customers.services.contacts import change_address
from app.mail.smtp import Kind
from campaigns.queries.explain import explain
from campaigns.queries.progress import progress
from campaigns.services.freeze import freeze
from campaigns.services.write_back import result_of, write_back
from consent.queries import suppressions
from reports.queries.response import counts
from tests.campaigns.test_reconcile import take
from tests.factories.campaigns import Made, again
from tests.factories.crashing import frozen
from tests.factories.inbound import ADA, answer, deliver, id_of, outcomes
from tests.factories.sending import RecordingRelay, launch, states
from tracking.engine.inbound import fetch

OTHER = "p2@example.net"
GONE = "550 5.1.1 <p1@example.net>: Recipient address rejected: User unknown"
FULL = "452 4.2.2 <p1@example.net>: mailbox is full"
BLOCKED = "554 5.7.1 Service unavailable; client host blocked using zen.example.org"


def report(to: str, diagnostic: str, *, address: str = ADA, action: str = "failed", message_id: str = "") -> bytes:
    """A delivery report as RFC 3464 has it; its time makes it differ from another."""
    status = diagnostic.split()[1]
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Delivery report {now.now().timestamp()}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

This is the mail system.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b
Content-Type: message/rfc822-headers

Message-ID: {message_id}
To: {address}
Subject: News

--b--
""".encode()


def feedback(to: str, *, address: str = "", kind: str = "abuse", returned: str = "") -> bytes:
    """A feedback report as RFC 5965 has it."""
    named = f"Original-Rcpt-To: {address}\n" if address else ""
    return f"""From: fbl@example.net
To: fbl@example.com
Subject: Report
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

An abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Example/1
Version: 1
Original-Mail-From: <{to}>
{named}
--b
Content-Type: message/rfc822

Return-Path: <{to}>
Message-ID: <{returned or to}>
From: news@example.com
To: {address or "redacted"}
Subject: News

Hello
--b--
""".encode()


def verp(campaign: Made, address: str = ADA) -> str:
    return f"{tokens.sign_return_path(campaign.id, id_of(address))}@bounces.example.com"


def reasons(address: str = ADA) -> set[str]:
    with unit_of_work() as session:
        return suppressions.active_reasons(session, address_key(address))


def bounce_class(campaign: Made, address: str = ADA) -> str | None:
    with unit_of_work() as session:
        found = text("SELECT bounce_class FROM message WHERE campaign_id = :c AND contact_id = :p")
        return session.scalar(found, {"c": campaign.id, "p": id_of(address)})


def test_an_address_that_does_not_exist_is_written_to_no_more(
    campaign: Made, maildir: Path, run_jobs: Callable[[], int]
) -> None:
    deliver(maildir, report(verp(campaign), GONE))
    fetch(maildir)
    assert outcomes() == ["bounced"] and bounce_class(campaign) == "hard"
    assert reasons() == {"hard_bounce"} and reasons(OTHER) == set()
    second = again(campaign)
    launch(second)
    run_jobs()
    assert states(second) == {"sent": 1, "skipped": 1}
    with unit_of_work() as session:
        figures = counts(session, [campaign.id])[campaign.id]
        assert (figures.sent, figures.delivered, figures.bounces["hard"]) == (2, 1, 1)
        assert progress(session, campaign.id).returned_lines == [("the address does not work", 1)]
        told = explain(session, campaign.id, id_of())
        assert "came back" in told.answer and "User unknown" in told.answer


@pytest.mark.parametrize("address", [OTHER, "friend@example.org", "p1@example.net.test"])
def test_a_bounce_that_names_somebody_else_suppresses_nobody(campaign: Made, maildir: Path, address: str) -> None:
    deliver(maildir, report(verp(campaign), GONE, address=address))
    fetch(maildir)
    assert outcomes() == ["stray"] and bounce_class(campaign) is None
    assert reasons() == reasons(OTHER) == set()


def test_a_bounce_without_a_genuine_token_suppresses_nobody(campaign: Made, maildir: Path) -> None:
    genuine = verp(campaign)
    place = 47
    flipped = genuine[:place] + ("0" if genuine[place] != "0" else "1") + genuine[place + 1 :]
    unsubscribing = tokens.sign_message(tokens.Purpose.PERMISSION, campaign.id, id_of())
    named = (flipped, f"{'0' * 48}@bounces.example.com", "bounces@example.com", f"{unsubscribing}@bounces.example.com")
    for number, to in enumerate(named):
        deliver(maildir, report(to, GONE, message_id=f"<{flipped}>"), str(number))
        deliver(maildir, feedback(to, address=ADA), f"c{number}")
    fetch(maildir)
    assert set(outcomes()) == {"stray"} and reasons() == set()


def test_the_message_id_that_is_returned_names_the_message_too(
    campaign: Made, maildir: Path, relay: RecordingRelay
) -> None:
    (identifier,) = [sent.message_id for sent in relay.accepted if sent.recipient == ADA]
    deliver(maildir, report("postmaster@example.com", GONE, message_id=identifier))
    fetch(maildir)
    assert outcomes() == ["bounced"] and reasons() == {"hard_bounce"}


def test_a_delay_is_no_bounce(campaign: Made, maildir: Path) -> None:
    deliver(maildir, report(verp(campaign), FULL, action="delayed"))
    fetch(maildir)
    assert outcomes() == ["delayed"] and bounce_class(campaign) is None


def test_what_the_sender_is_refused_for_suppresses_nobody(campaign: Made, maildir: Path) -> None:
    deliver(maildir, report(verp(campaign), BLOCKED))
    fetch(maildir)
    assert bounce_class(campaign) == "block" and reasons() == set()


def bounce_softly(campaign: Made, maildir: Path) -> None:
    deliver(maildir, report(verp(campaign), FULL))
    fetch(maildir)
    assert bounce_class(campaign) == "soft"


def days_pass(days: int) -> None:
    """Make all that was sent so many days older."""
    with unit_of_work() as session:
        moved = "UPDATE message SET sent_at = sent_at - :age, failed_at = failed_at - :age"
        session.execute(text(moved), {"age": timedelta(days=days)})


@pytest.mark.parametrize(
    ("days", "dead"),
    [
        ([5, 5, 5, 5], True),
        ([1, 1, 1, 1], False),  # a full mailbox over a holiday
        ([5, 5, 5], False),
        ([5, 5, -5, 5, 5], False),  # one arrived between
        ([20, 20, 20, 20], False),  # too seldom to tell
    ],
)
def test_a_mailbox_that_takes_nothing_for_weeks_is_left(
    campaign: Made, maildir: Path, run_jobs: Callable[[], int], days: list[int], dead: bool
) -> None:
    bounce_softly(campaign, maildir)
    for wait in days:
        days_pass(abs(wait))
        mailing = again(campaign)
        launch(mailing)
        run_jobs()
        if wait > 0:
            bounce_softly(mailing, maildir)
    assert reasons() == ({"soft_bounces"} if dead else set())
    assert reasons(OTHER) == set()


def test_soft_refusals_while_sending_count_as_well(maildir: Path, relay: RecordingRelay) -> None:
    campaign = frozen(1)
    for number in range(5):
        days_pass(5)
        if number:
            campaign = again(campaign)
            launch(campaign)
            with unit_of_work() as session:
                freeze(session, campaign.id)
        refused = result_of(id_of(), Kind.FAILED, code=552, enhanced="5.2.2", text="full", bounce="soft", at=now.now())
        claim = take(campaign)
        with unit_of_work() as session:
            write_back(session, claim, [refused])
    assert reasons() == {"soft_bounces"}


@pytest.mark.parametrize("address", [ADA, ADA.upper(), ""])
def test_a_complaint_is_absolute(campaign: Made, maildir: Path, address: str) -> None:
    deliver(maildir, feedback(verp(campaign), address=address))
    fetch(maildir)
    assert outcomes() == ["complained"] and reasons() == {"complaint"} and reasons(OTHER) == set()
    with unit_of_work() as session:
        assert contact(session, id_of()).complained_at is not None
        assert counts(session, [campaign.id])[campaign.id].complaints == 1
        assert [entry.kind for entry in timeline(session, id_of()).entries].count("complained") == 1


def test_a_complaint_about_a_former_address_covers_both(campaign: Made, maildir: Path) -> None:
    to, person = verp(campaign), id_of()
    with unit_of_work() as session:
        change_address(session, person, "new@example.org")
    deliver(maildir, feedback(to, address=ADA))
    fetch(maildir)
    assert reasons() == reasons("new@example.org") == {"complaint"}


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_reports_without_a_complaint_do_nothing(campaign: Made, maildir: Path, kind: str) -> None:
    deliver(maildir, feedback(verp(campaign), address=ADA, kind=kind))
    fetch(maildir)
    assert reasons() == set()


@pytest.mark.parametrize("late", [False, True])
def test_a_bounce_settles_what_was_in_flight(maildir: Path, relay: RecordingRelay, late: bool) -> None:
    campaign = frozen(1)
    claim = take(campaign)
    if late:  # its process died, and its outcome is unknown
        with unit_of_work() as session:
            session.execute(text("UPDATE message SET state = 'unknown'"))
    deliver(maildir, report(verp(campaign), GONE))
    fetch(maildir)
    accepted = result_of(id_of(), Kind.SENT, code=250, enhanced="", text="", bounce=None, at=now.now())
    with unit_of_work() as session:
        write_back(session, claim, [accepted])
    assert states(campaign) == {"sent": 1} and bounce_class(campaign) == "hard"
    with unit_of_work() as session:
        sent_at: datetime | None = session.scalar(text("SELECT sent_at FROM message"))
        assert sent_at is not None


def test_a_report_that_is_delivered_again_counts_once(campaign: Made, maildir: Path) -> None:
    raw = report(verp(campaign), FULL)
    for name in ("1", "2"):
        deliver(maildir, raw, name)
        fetch(maildir)
    assert outcomes() == ["bounced"]
    deliver(maildir, report(verp(campaign), GONE), "3")
    fetch(maildir)
    assert bounce_class(campaign) == "hard", "later news is worse"
    deliver(maildir, report(verp(campaign), FULL), "4")
    fetch(maildir)
    assert bounce_class(campaign) == "hard"


def test_an_answer_stands_in_the_timeline(campaign: Made, maildir: Path) -> None:
    deliver(maildir, answer(verp(campaign), "Where is my parcel?"), "1")
    deliver(maildir, answer(verp(campaign), "I have a copy of this.", sender="friend@example.org"), "2")
    fetch(maildir)
    assert outcomes() == ["reply", "reply"]
    with unit_of_work() as session:
        assert [entry.kind for entry in timeline(session, id_of()).entries].count("replied") == 1
