"""Mails of a real campaign, as a real server received them, judged by independent parties and by STANDARDS."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import text

from app.brands.queries import sending
from app.core.db import unit_of_work
from app.mail import dkim
from app.mail.templates import starters
from tests.factories.campaigns import Made, again, make_audience, make_campaign
from tests.factories.consent import track
from tests.factories.sending import RecordingRelay, launch

SUBJECT = "Crème brûlée for {{ contact.first_name }} 🍮"
READERS = ("p1@example.net", "p2@example.net")

MAIL_DKIM = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my $record = shift @ARGV;
no warnings 'redefine';
*Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %p) = @_;
    return sub { $p{Callbacks}{Success}->($class->parse($record)) };
};
my $verifier = Mail::DKIM::Verifier->new();
while (<STDIN>) { $verifier->PRINT($_) } $verifier->CLOSE;
print $verifier->result;
"""


@pytest.fixture
def received(app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]) -> tuple[bytes, bytes, str]:
    """A tracked and an untracked mail of one campaign, and the DKIM record of their sender."""
    starter = next(starter for starter in starters("en") if starter.slug == "newsletter")
    with unit_of_work() as session:
        campaign: Made = make_campaign(session, mjml=starter.mjml, subject=SUBJECT)
        people = make_audience(session, campaign.topic_id, 2)
        track(session, people[0], campaign.brand_id)
        record = sending.default_identity(session, campaign.brand_id).dkim_record
    launch(campaign)
    run_jobs()
    tracked, untracked = (relay.message(address) for address in READERS)
    return tracked, untracked, record


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def body(raw: bytes, kind: str) -> str:
    part = parsed(raw).get_body((kind,))
    assert part is not None
    return str(part.get_content())


def mail_dkim(raw: bytes, record: str) -> str:
    judge = ["perl", "-e", MAIL_DKIM, record]
    return subprocess.run(judge, input=raw, capture_output=True, timeout=60, check=True).stdout.decode()


def test_independent_verifiers_accept_the_signature(received: tuple[bytes, bytes, str]) -> None:
    *mails, record = received
    for raw in mails:
        assert isinstance(raw, bytes)
        assert dkim.verify(raw, record)
        assert mail_dkim(raw, record) == "pass"


def test_row_10_a_second_sender_or_a_changed_list_header_breaks_it(received: tuple[bytes, bytes, str]) -> None:
    raw, _, record = received
    for header in (b"From: evil@example.org", b"Subject: Win", b"To: you@example.org", b"List-Id: <x.example>"):
        forged = header + b"\r\n" + raw
        assert not dkim.verify(forged, record) and mail_dkim(forged, record) != "pass", header


def test_spamassassin_holds_nothing_against_it(received: tuple[bytes, bytes, str]) -> None:
    for raw in received[:2]:
        assert isinstance(raw, bytes)
        said = subprocess.run(["spamassassin", "-L", "-t"], input=raw, capture_output=True, timeout=120, check=False)
        rules = re.findall(r"^ *(-?\d+\.\d) (\w+)", said.stdout.decode("utf-8", "replace"), re.M)
        assert rules, "SpamAssassin said nothing"
        print(rules)
        assert all(float(points) <= 1.0 for points, _ in rules), rules


def test_row_1_the_https_way_out_comes_first_and_is_one_click(received: tuple[bytes, bytes, str]) -> None:
    links = set()
    for raw in received[:2]:
        assert isinstance(raw, bytes)
        assert raw.count(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") == 1
        [header] = parsed(raw).get_all("List-Unsubscribe", [])
        found = re.fullmatch(
            r"<(https?://[^>]+)>, <mailto:(unsubscribe\+[0-9a-f]{48}@[\w.-]+)\?subject=unsubscribe>", str(header)
        )
        assert found is not None, header
        links |= set(found.groups())
    assert len(links) == 4  # each reader has their own


def test_row_6_both_headers_are_signed(received: tuple[bytes, bytes, str]) -> None:
    *mails, record = received
    for raw in mails:
        assert isinstance(raw, bytes)
        signed = re.search(r"h=([^;]+);", str(parsed(raw)["DKIM-Signature"]).replace(" ", ""))
        assert signed is not None
        names = signed.group(1).lower().split(":")
        assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(names)
        assert all(names.count(name) >= 2 for name in ("from", "to", "subject", "date"))  # row 10: oversigned
        for header in (b"List-Unsubscribe: <https://evil.example/>", b"List-Unsubscribe-Post: List-Unsubscribe=No"):
            assert not dkim.verify(header + b"\r\n" + raw, record)
            name = header.partition(b":")[0]
            changed = re.sub(b"(?m)^%b: [^\r]*" % name, header, raw)
            assert changed != raw and not dkim.verify(changed, record)


def test_row_8_the_way_out_and_the_postal_address_are_visible(received: tuple[bytes, bytes, str]) -> None:
    for raw in received[:2]:
        assert isinstance(raw, bytes)
        for kind in ("html", "plain"):
            assert "/unsubscribe/" in body(raw, kind) and "Paris" in body(raw, kind)


def test_rows_14_15_lines_are_short_and_end_in_crlf(received: tuple[bytes, bytes, str]) -> None:
    for raw in received[:2]:
        assert isinstance(raw, bytes)
        assert raw.count(b"\n") == raw.count(b"\r\n")
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_rows_16_21_25_structure_and_headers(received: tuple[bytes, bytes, str]) -> None:
    first, second = parsed(received[0]), parsed(received[1])
    assert first["Subject"] == "Crème brûlée for Ada1 🍮"
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert len(first.get_all("From", [])) == 1
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Feedback-ID"] == second["Feedback-ID"]
    assert first["List-Id"] == second["List-Id"]


def test_row_7_list_headers_are_stable_over_campaigns_and_their_addresses_are_valid(
    received: tuple[bytes, bytes, str], relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        campaign_id, brand_id, topic_id = session.execute(text("SELECT id, brand_id, topic_id FROM campaign")).one()
    first = parsed(received[0])
    later = again(Made(campaign_id, brand_id, topic_id))
    launch(later)
    run_jobs()
    second = parsed(relay.message(READERS[0]))
    assert first["Message-ID"] != second["Message-ID"] and first["List-Id"] == second["List-Id"]
    # RFC 2919 §3: a phrase, then a dotted identifier of letters, digits and hyphens, 255 characters at most.
    identifier = re.fullmatch(r"(?:\S.* )?<([a-z0-9-]+(?:\.[a-z0-9-]+)+)>", str(first["List-Id"]))
    assert identifier is not None and len(identifier[1]) <= 255
    for mail in (first, second):
        uris = re.findall(r"<([^>]*)>", str(mail["List-Unsubscribe"]))
        assert [urlsplit(uri).scheme for uri in uris] == ["http", "mailto"]
        assert all(re.fullmatch(r"[!-~]+", uri) for uri in uris)


def test_row_49_mail_that_is_not_measured_bears_no_address_of_its_own(
    app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        make_audience(session, campaign.topic_id, 2)
        session.execute(text("UPDATE contact SET first_name = 'Ada'"))
    launch(campaign)
    run_jobs()
    own = re.compile(r"/(?:unsubscribe|preferences|view)/")  # which nobody follows without knowing
    found = [set(re.findall(r"https?://[^\s\"'<>)]+", body(relay.message(reader), "html"))) for reader in READERS]
    assert {url for url in found[0] ^ found[1] if not own.search(url)} == set()
    assert not any("<img" in body(relay.message(reader), "html") for reader in READERS)


def test_rows_46_49_without_permission_nothing_tells_who_opened_or_clicked(
    received: tuple[bytes, bytes, str],
) -> None:
    tracked, untracked = body(received[0], "html"), body(received[1], "html")
    assert tracked.count("/o/") == 1 and untracked.count("/o/") == 0
    shared = set(re.findall(r"/c/([\w-]+)/", untracked))
    assert len(shared) == 1 and shared.isdisjoint(re.findall(r"/c/([\w-]+)/", tracked))
