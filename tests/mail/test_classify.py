"""What mails that came back are, whom they are about, and what they mean for them."""

from __future__ import annotations

import json
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from app.core import tokens
from app.core.config import Settings
from app.mail.commands import inbound
from app.mail.inbound import ReturnKind, classify
from app.mail.replies import ReturnClass
from tests.mail.returned import feedback, person, prose, report

ORIGINAL = (
    "Return-Path: <{token}@bounces.example.com>\nReceived: from example.com by mx.example.net\n"
    "From: News <news@example.com>\nTo: ada@example.net\nSubject: News\nMessage-ID: <{token}@example.com>\n\nHello\n"
)


@pytest.fixture
def token(settings: Settings) -> str:
    return tokens.sign_return_path(7, 11)


def test_row_29_a_report_is_read_per_recipient(token: str) -> None:
    found = classify(
        report(
            person("ada@example.net", "5.1.1", "550 5.1.1 <ada@example.net>: User unknown"),
            person("bob@example.net", "4.2.2", "452 4.2.2 Mailbox full"),
            person("eve@example.net", "2.0.0", action="delivered"),
            person("joe@example.net", "5.7.1", "554 5.7.1 Blocked using zen.spamhaus.org"),
            original=ORIGINAL.format(token=token),
        )
    )
    assert found.kind is ReturnKind.BOUNCE
    assert [(p.address, p.cls, p.suppress) for p in found.recipients] == [
        ("ada@example.net", "hard", True),
        ("bob@example.net", "soft", False),
        ("eve@example.net", "delivered", False),
        ("joe@example.net", "block", False),
    ]
    assert (found.recipients[0].enhanced_code, found.recipients[0].smtp_code) == ("5.1.1", 550)
    assert found.message_id == f"{token}@example.com"
    assert found.token == tokens.MessageToken(7, 11)


def test_row_30_what_is_still_being_tried_suppresses_nobody() -> None:
    found = classify(report(person("ada@example.net", "4.1.1", "550 5.1.1 User unknown", action="delayed")))
    assert [p.suppress for p in found.recipients] == [False]


def test_a_report_of_success_is_no_bounce() -> None:
    assert classify(report(person("ada@example.net", "2.1.5", action="relayed"))).kind is ReturnKind.DELIVERED


def test_the_token_counts_wherever_it_stands_and_only_if_genuine(token: str) -> None:
    bounced = person("ada@example.net", "5.1.1")
    assert classify(report(bounced, to=f"{token}@bounces.example.com")).token == tokens.MessageToken(7, 11)
    assert classify(report(bounced, to=f"{token.upper()}@bounces.example.com")).token == tokens.MessageToken(7, 11)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert classify(report(bounced, to=f"{forged}@bounces.example.com")).token is None


def test_a_bounce_names_whom_it_names(token: str) -> None:
    """Policy compares: somebody else's address with a genuine token is for policy to refuse."""
    found = classify(report(person("other@example.org", "5.1.1"), to=f"{token}@bounces.example.com"))
    assert ([p.address for p in found.recipients], found.token) == (["other@example.org"], tokens.MessageToken(7, 11))


@pytest.mark.parametrize(
    ("text", "cls", "suppress"),
    [
        ("This is the qmail-send program at mx.example.net.\n\n<ada@example.net>:\n550 no such user here (#5.1.1)\n\n"
         "--- Below this line is a copy of the message.\n\n" + ORIGINAL, "hard", True),
        ("A message that you sent could not be delivered.\nThe following address(es) failed:\n\n  ada@example.net\n"
         "    SMTP error from remote mail server after RCPT TO:<ada@example.net>:\n"
         "    host mx.example.net: 550 User unknown\n\n"
         "------ This is a copy of the message, including all the headers. ------\n\n" + ORIGINAL, "hard", True),
        ("   ----- The following addresses had permanent fatal errors -----\n<ada@example.net>\n\n"
         "   ----- Transcript of session follows -----\n>>> RCPT To:<ada@example.net>\n<<< 552 5.2.2 mailbox full\n",
         "soft", False),
        ("Your message\n\n  To: news@example.com\n  Subject: News\n  Sent: Fri, 14 Sep 2007\n\n"
         "did not reach the following recipient(s):\n\nada@example.net on Fri, 14 Sep 2007\n"
         "    The recipient name is not recognized\n", "hard", True),
        ("------- Failure Reasons --------\n\nUser not listed in public Name & Address Book\nada@example.net\n\n"
         "------- Returned Message --------\n\n" + ORIGINAL, "hard", True),
        ("The message that you sent was undeliverable to the following:\n\tada (Mailbox full)\n", "soft", False),
        ("Ihre Nachricht konnte nicht zugestellt werden:\n\nada@example.net: Das Postfach ist voll\n", "soft", False),
        ("Votre message n’a pas pu être remis à\n\nada@example.net\n\nUtilisateur inconnu\n", "hard", True),
    ],
)  # fmt: skip
def test_prose_of_many_servers(text: str, cls: str, suppress: bool, token: str) -> None:
    found = classify(prose(text.replace("{token}", token), sender="Mail Delivery System <MAILER-DAEMON@example.net>"))
    assert found.kind is ReturnKind.BOUNCE
    assert [(p.address, p.cls, p.suppress) for p in found.recipients] == [("ada@example.net", cls, suppress)]
    assert (found.token is not None) == ("{token}" in text)


def test_the_sender_is_never_taken_for_the_recipient() -> None:
    said = "A message by\n\n  <news@example.com>\n\nwas not delivered:\n\n  ada@example.net\n    Unrouteable address\n"
    assert [p.address for p in classify(prose(said)).recipients] == ["ada@example.net"]


def test_row_31_a_complaint_suppresses_even_when_redacted(token: str) -> None:
    original = ORIGINAL.format(token=token)
    found = classify(feedback("abuse", "Original-Rcpt-To: ada@example.net", original))
    assert found.kind is ReturnKind.COMPLAINT
    assert [(p.address, p.cls, p.suppress) for p in found.recipients] == [("ada@example.net", "complaint", True)]
    redacted = classify(feedback("abuse", "Redacted-Address: x", original.replace("ada@example.net", "undisclosed")))
    assert [(p.address, p.suppress) for p in redacted.recipients] == [(None, True)]
    assert redacted.token == tokens.MessageToken(7, 11)
    hidden = "From: news@example.com\nTo: undisclosed\nSubject: News\n\nHello\n"
    by_return_path = classify(feedback("abuse", f"Original-Mail-From: <{token}@bounces.example.com>", hidden))
    assert by_return_path.token == tokens.MessageToken(7, 11)


@pytest.mark.parametrize("kind", ["auth-failure", "AUTH-FAILURE", "dmarc", "not-spam"])
def test_row_32_reports_on_authentication_unsubscribe_nobody(kind: str, token: str) -> None:
    found = classify(feedback(kind, "Original-Rcpt-To: ada@example.net", ORIGINAL.format(token=token)))
    assert found.kind is ReturnKind.NOT_BOUNCE
    assert [(p.cls, p.suppress) for p in found.recipients] == [(None, False)]


@pytest.mark.parametrize(
    ("headers", "subject", "kind"),
    [
        ({"Auto-Submitted": "auto-replied"}, "Re: News", ReturnKind.AUTOREPLY),
        ({"X-Autoreply": "yes"}, "Re: News", ReturnKind.AUTOREPLY),
        ({}, "Out of office: News", ReturnKind.AUTOREPLY),
        ({}, "Réponse automatique : News", ReturnKind.AUTOREPLY),
        ({}, "Abwesenheitsnotiz", ReturnKind.AUTOREPLY),
        ({"Auto-Submitted": "auto-replied"}, "Please confirm your message", ReturnKind.CHALLENGE),
    ],
)
def test_row_33_notes_of_absence_and_challenges_are_no_bounces(
    headers: dict[str, str], subject: str, kind: ReturnKind
) -> None:
    found = classify(
        prose(
            "I am away until Monday. In urgent cases: bob@example.net",
            sender="ada@example.net",
            subject=subject,
            **headers,
        )
    )
    assert found.kind is kind
    assert not any(p.suppress for p in found.recipients)


def test_somebody_who_left_is_told_of_and_not_suppressed() -> None:
    found = classify(
        prose(
            "Ada no longer works here. Write to bob@example.net",
            sender="ada@example.net",
            Auto_Submitted="auto-replied",
        )
    )
    assert found.kind is ReturnKind.AUTOREPLY_WITH_FAILURE
    assert [(p.address, p.cls, p.suppress) for p in found.recipients] == [("ada@example.net", ReturnClass.SOFT, False)]


def test_people(token: str) -> None:
    answered = {"In_Reply_To": f"<{token}@example.com>"}
    reply = classify(prose("Where is your shop?", sender="ada@example.net", subject="Re: News", **answered))
    assert (reply.kind, reply.message_id, reply.token) == (
        ReturnKind.REPLY, f"{token}@example.com", tokens.MessageToken(7, 11),
    )  # fmt: skip
    angry = classify(prose("It could not be delivered: address unknown. ada@example.net", sender="ada@example.net",
                           subject="Delivery failure", **answered))  # fmt: skip
    assert (angry.kind, angry.recipients) == (ReturnKind.REPLY, ())
    stop = classify(prose("stop", sender="ada@example.net", subject="Re: News", **answered))
    assert (stop.kind, stop.recipients[0].address) == (ReturnKind.UNSUBSCRIBE, "ada@example.net")
    apple = classify(
        prose("Apple Mail sent this.", sender="ada@example.net", subject="unsubscribe", Auto_Submitted="auto-replied")
    )
    assert apple.kind is ReturnKind.UNSUBSCRIBE
    assert classify(prose("Buy now", sender="shop@example.org", subject="Sale")).kind is ReturnKind.NOT_BOUNCE
    passed_on = prose("<eve@example.net>: 550 no such user", sender="ada@example.net", subject="Fwd: failure notice")
    assert not classify(passed_on).recipients


def test_a_notification_of_amazon_in_the_text() -> None:
    told = {
        "notificationType": "Bounce",
        "bounce": {"bouncedRecipients": [{"emailAddress": "ada@example.net", "action": "failed", "status": "5.1.1",
                                          "diagnosticCode": "smtp; 550 5.1.1 user unknown"}]},
    }  # fmt: skip
    found = classify(prose(json.dumps(told), sender="no-reply@sns.example.com", subject="AWS Notification Message"))
    assert [(p.address, p.cls, p.suppress) for p in found.recipients] == [("ada@example.net", "hard", True)]


def _nested(depth: int) -> bytes:
    inner = "Content-Type: text/plain\n\nhello"
    for level in range(depth):
        inner = f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n{inner}\n--b{level}--\n'
    return b"From: MAILER-DAEMON@example.net\nSubject: failure notice\n" + inner.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 10_000,
        b"\n\n\n",
        b"no headers at all",
        _nested(1000),
        b"From: MAILER-DAEMON@example.net\nSubject: failure\n\n" + b"<a@example.net>: 550 no\n" * 2_000_000,
        b"From: MAILER-DAEMON@example.net\nSubject: failure\n\n" + b"a@b." * 200_000,
        b"From: MAILER-DAEMON@example.net\nSubject: failure\n\n" + b"recipient " * 50_000,
        b"From: MAILER-DAEMON@example.net\nSubject: failure\n\n" + b"user " * 40_000 + b"@" * 40_000,
        b"From: MAILER-DAEMON@example.net\nSubject: failure\n\n" + b"550-" * 60_000,
        b"From: MAILER-DAEMON@example.net\nSubject: failure\n\n" + b"A:" * 100_000 + b"\nReceived:\n" * 10_000,
        b"From: x@example.net\nSubject: failure\n\n" + b"click reply confirm " * 20_000,
        b'From: no-reply@example.net\nSubject: s\n\n{"notificationType": ' + b"[" * 100_000,
        report(*["Final-Recipient: rfc822; " + "a" * 500 + "@" + "b" * 500] * 500),
        "Content-Type: text/plain; charset=none-such\nSubject: =?x?q?failure?=\n\n\udcff".encode(
            "utf-8", "surrogateescape"
        ),
    ],
    ids=range(15),
)
def test_mail_that_means_harm_costs_little(raw: bytes) -> None:
    began = time.process_time()
    found = classify(raw)
    assert time.process_time() - began < 5
    assert isinstance(found.kind, ReturnKind)


@given(st.binary(max_size=3000))
def test_anything_is_classified(raw: bytes) -> None:
    assert isinstance(classify(raw).kind, ReturnKind)


def test_the_command_walks_folders_and_changes_nothing(tmp_path: Path, settings: Settings) -> None:
    made = EmailMessage()
    made["From"], made["Subject"] = "ada@example.net", "Out of office"
    made.set_content("Away")
    folder = tmp_path / "new" / "deep"
    folder.mkdir(parents=True)
    (folder / "b.eml").write_bytes(made.as_bytes())
    (tmp_path / "new" / "a.eml").write_bytes(report(person("ada@example.net", "5.1.1", "550 5.1.1 unknown")))
    result = CliRunner().invoke(inbound, ["classify", str(tmp_path / "new")])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(tmp_path / "new" / "a.eml"), str(folder / "b.eml")]
    assert lines[0] == {
        "file": str(tmp_path / "new" / "a.eml"),
        "kind": "bounce",
        "recipients": [
            {"address": "ada@example.net", "class": "hard", "reason": "userunknown", "enhanced_code": "5.1.1",
             "smtp_code": "550", "suppress": True}
        ],
        "message_id": None,
        "campaign": None,
    }  # fmt: skip
    assert lines[1]["kind"] == "autoreply"
    assert CliRunner().invoke(inbound, ["classify", str(tmp_path / "none")]).exit_code == 2
