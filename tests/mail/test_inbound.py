"""Recognising what comes in by mail: wishes, answers, machines; and mails that mean harm."""

from __future__ import annotations

import time
from base64 import b64encode
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.inbound import Kind, recognise

TOKEN = "01" * 24
MAILBOX = f"unsubscribe+{TOKEN}@bounces.example.com"
QUOTE = "\n\nOn Tue, 3 Mar 2026 at 10:00, Example shop <news@example.com> wrote:\n> Hello Ada\n> stop"


def mail(text: str = "", html: str = "", *, to: str = "news@example.com", **headers: str) -> bytes:
    made = EmailMessage()
    named = {"From": "Ada <ada@example.net>", "To": to, "Subject": "Re: News", **headers}
    if text or not html:
        made.set_content(text)
    if html:
        (made.add_alternative if text else made.set_content)(html, subtype="html")
    # Written by hand: EmailMessage would encode what is long.
    return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in named.items()).encode() + made.as_bytes()


@pytest.mark.parametrize(
    "line",
    [
        "stop", "STOP", "Stop.", "stop !", "Unsubscribe", "please unsubscribe me", "Unsubscribe, please",
        "Remove me", "opt-out", "Opt out", "Désinscription", "DESINSCRIPTION", "désabonnement", "Me désinscrire",
        "Désabonnez-moi", "Désinscrivez-moi, s'il vous plaît", "Merci de me désinscrire", "Je me désabonne, merci.",
        "Bonjour, désinscription svp", "arrêter", "« Stop »", "stop pub", "No more e-mails please",
    ],
)  # fmt: skip
def test_words_that_say_stop(line: str) -> None:
    assert recognise(mail(line + QUOTE)).kind is Kind.UNSUBSCRIBE
    assert recognise(mail("", f"<div>{line}</div><blockquote>Hello</blockquote>")).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize(
    "text",
    [
        "Where is your bus stop?",
        "Please don't stop, I love these.",
        "Stop by when you are in Lyon",
        "Hello,\nstop",
        "Can I unsubscribe my husband and keep mine?",
        "Arrêter de fumer",
        "",
        "> stop",
        "On Tue, 3 Mar 2026, Example wrote:\nstop",
        "Le mar. 3 mars 2026 à 10:00, Exemple <news@example.com> a écrit :\nstop",
        "-----Original Message-----\nstop",
        "stop " * 40,
    ],
)
def test_other_words_are_an_answer(text: str) -> None:
    assert recognise(mail(text)).kind is Kind.REPLY


def test_a_subject_counts_only_when_it_is_the_writers_own() -> None:
    assert recognise(mail("Regards, Ada", Subject="unsubscribe")).kind is Kind.UNSUBSCRIBE
    assert recognise(mail("Regards", Subject="=?utf-8?q?D=C3=A9sinscription?=")).kind is Kind.UNSUBSCRIBE
    assert recognise(mail("I like it", Subject="Re: Stop")).kind is Kind.REPLY
    assert recognise(mail("I like it", Subject="RE : Stop")).kind is Kind.REPLY


def test_html_alone_is_read_without_what_it_quotes() -> None:
    page = "<html><head><title>x</title><style>p{}</style></head><body><p>&nbsp;</p><p>Stop</p>{}</body></html>"
    gmail = '<div class="gmail_quote">On Tuesday we wrote: <div>hello</div></div>'
    assert recognise(mail("", page.replace("{}", gmail))).kind is Kind.UNSUBSCRIBE
    assert recognise(mail("", f"<blockquote><div>stop</div></blockquote>{gmail}")).kind is Kind.REPLY
    assert recognise(mail("", "<div>Ne vous arrêtez pas</div>")).kind is Kind.REPLY


def test_mail_to_the_unsubscribing_address_is_a_wish_whatever_it_says() -> None:
    found = recognise(mail("Sent from my phone", to=MAILBOX.upper(), Subject=""))
    assert (found.kind, found.sender) == (Kind.UNSUBSCRIBE, "ada@example.net")
    assert MAILBOX.upper() in found.recipients
    assert recognise(mail("", to="undisclosed:;", Delivered_To=MAILBOX)).kind is Kind.UNSUBSCRIBE


AUTOMATIC = [
    {"Auto-Submitted": "auto-replied"},
    {"Auto-Submitted": "auto-replied (vacation); x=y"},
    {"Auto-Submitted": "auto-notified"},
    {"Return-Path": "<>"},
    {"Return-Path": "< >"},
    {"Precedence": "bulk"},
    {"Precedence": "auto_reply"},
    {"Precedence": "junk"},
    {"List-Id": "<news.example.org>"},
    {"List-Unsubscribe": "<https://example.org/x>"},
    {"X-Autoreply": "yes"},
    {"X-Autorespond": "yes"},
    {"From": "MAILER-DAEMON@example.net"},
    {"From": "Postmaster <postmaster@example.net>"},
    {"From": "owner-list@example.net"},
    {"From": "news-request@example.net"},
    {"From": "no-reply@example.net"},
]


@pytest.mark.parametrize("headers", AUTOMATIC)
@pytest.mark.parametrize("to", ["news@example.com", MAILBOX])
def test_row_23_what_no_person_sent_is_no_wish(headers: dict[str, str], to: str) -> None:
    assert recognise(mail("stop", to=to, **headers)).kind is Kind.AUTOMATIC


def test_row_23_a_report_is_no_wish_and_a_mail_program_may_call_its_wish_generated() -> None:
    report = mail("stop").replace(b"text/plain", b"multipart/report; report-type=delivery-status", 1)
    assert recognise(report).kind is Kind.AUTOMATIC
    generated = {"Auto-Submitted": "auto-generated"}
    assert recognise(mail("stop", **generated)).kind is Kind.AUTOMATIC
    assert recognise(mail("", to=MAILBOX, **generated)).kind is Kind.UNSUBSCRIBE
    assert recognise(mail("stop", **{"Auto-Submitted": "no"})).kind is Kind.UNSUBSCRIBE


def test_who_wrote_it() -> None:
    for value, sender in (
        ('"evil@example.org" <ada@example.net>', "ada@example.net"),
        ("ada@example.net", "ada@example.net"),
        ("ada@example.net, bob@example.net", ""),
        ("<ada@example.net> <bob@example.net>", ""),
        ("nobody", ""),
    ):
        raw = mail("stop").replace(b"From: Ada <ada@example.net>", f"From: {value}".encode())
        assert recognise(raw).sender == sender
    assert recognise(b"From: a@example.net\nFrom: b@example.net\n\nstop").sender == ""


def test_what_it_answers() -> None:
    found = recognise(mail("stop", In_Reply_To="<a@x.example>", References="<b@x.example>\r\n <a@x.example>"))
    assert found.references == ("a@x.example", "b@x.example")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "iso-2022-jp", "koi8-r"])
def test_charsets(charset: str) -> None:
    text = "Stop" if charset in ("iso-2022-jp", "koi8-r") else "Désinscription"
    body = b64encode(text.encode(charset))
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n".encode()
    assert recognise(head + body).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize("charset", ["x-unknown", "idna", "undefined", "rot13", "zlib", "unicode_escape", "\x00", '"'])
def test_hostile_charsets_are_read_as_utf_8(charset: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\nFrom: ada@example.net\n\n".encode()
    assert recognise(head + b"stop").kind is Kind.UNSUBSCRIBE
    recognise(f"Subject: =?{charset}?b?c3RvcA==?=\n\nhello".encode())


def test_hostile_sizes_cost_no_more_than_a_letter() -> None:
    nested = b"From: ada@example.net\n"
    for depth in range(1000):
        nested += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth)
    nested += b"Content-Type: text/plain\n\nstop\n"
    wide = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000
    attached = mail("stop") + b"x" * 50_000_000
    headers = b"".join(b"X-%d: y\n" % number for number in range(20_000)) + b"\nstop"
    unclosed = b"Content-Type: text/html\n\n" + b"<div " * 50_000
    folded = b"Subject: a\n" + b" b\n" * 80_000
    addresses = b"To: " + b"a@b.example, " * 20_000 + b"\n\nstop"
    for raw in (nested, wide, attached, headers, unclosed, folded, addresses):
        began = time.process_time()
        found = recognise(raw)
        assert time.process_time() - began < 1 and len(found.recipients) <= 50
    assert recognise(attached).kind is Kind.UNSUBSCRIBE


@given(st.binary(max_size=600))
def test_any_bytes_are_recognised_as_something(raw: bytes) -> None:
    assert recognise(raw).kind in Kind


@given(st.text(max_size=40), st.sampled_from(["Subject", "From", "To", "Content-Type", "Precedence", "References"]))
def test_any_header_is_read(text: str, name: str) -> None:
    recognise(f"{name}: {text}\nContent-Type: multipart/mixed; boundary={text}\n\n--{text}\n\nstop".encode())
