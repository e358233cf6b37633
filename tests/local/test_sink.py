"""The local sink takes mail over real SMTP and the outbox shows it."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from app.core.errors import NotFound
from app.local.engines.host import free_port
from app.local.run import listens
from app.mail import outbox
from tests.local.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sink(tmp_path):
    """A sink process: its port, and the var folder it delivers into."""
    (tmp_path / "outbox").mkdir()
    port = free_port()
    argv = [sys.executable, "-m", "app.local.sink", str(tmp_path / "outbox"), str(port), str(tmp_path / "inbound")]
    process = subprocess.Popen(argv, cwd=ROOT)
    wait_until(lambda: listens(port))
    yield port, tmp_path
    process.terminate()
    assert process.wait(10) == 0


def mail(subject: str = "Printemps à Évreux ☀") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "Ana <ana@example.com>", "zoe@example.org"
    message["Subject"] = subject
    message.set_content("Bonjour\n.\n..deux points\n")
    message.add_alternative("<p>Bonjour</p>", subtype="html")
    return message


def test_a_mail_comes_out_as_it_went_in(sink):
    port, var = sink
    sent = mail().as_bytes(policy=SMTP)
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("bounce+1@example.com", ["zoe@example.org", "max@example.org"], sent)
    [listed] = outbox.list_mails(var)
    assert (listed.subject, listed.from_, listed.to) == (
        "Printemps à Évreux ☀",
        "Ana <ana@example.com>",
        "zoe@example.org",
    )
    assert (listed.envelope_from, listed.envelope_to) == (
        "bounce+1@example.com",
        ("zoe@example.org", "max@example.org"),
    )
    read = outbox.read_mail(var, listed.id)
    assert read.text.splitlines() == ["Bonjour", ".", "..deux points"]
    assert read.html.strip() == "<p>Bonjour</p>"
    assert read.raw == sent


def test_mails_are_found_by_subject_and_recipient_newest_first(sink):
    port, var = sink
    with smtplib.SMTP("127.0.0.1", port) as client:
        for subject in ("one", "Two", "three"):
            client.send_message(mail(subject), "a@example.com", [f"{subject}@example.org"])
    assert [found.subject for found in outbox.list_mails(var, limit=2)] == ["three", "Two"]
    assert [found.subject for found in outbox.list_mails(var, "two")] == ["Two"]
    assert [found.subject for found in outbox.list_mails(var, "ONE@")] == ["one"]
    assert (outbox.count_mails(var), outbox.count_mails(var, "t")) == (3, 2)


def test_a_whole_dialogue_may_come_in_one_piece_or_byte_by_byte(sink):
    port, var = sink
    dialogue = b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org> NOTIFY=NEVER\r\nDATA\r\n"
    dialogue += b"Subject: s\r\n\r\n..\r\n.\r\n" + b"MAIL FROM:<a@example.com> SIZE=99999999999\r\nQUIT\r\n"
    for pieces in ([dialogue], [dialogue[i : i + 1] for i in range(len(dialogue))]):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for piece in pieces:
                connection.sendall(piece)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        codes = [line[:3] for line in answer.splitlines() if line[3:4] == b" "]
        assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"552", b"221"]
    assert [found.subject for found in outbox.list_mails(var)] == ["s", "s"]
    assert outbox.read_mail(var, outbox.list_mails(var)[0].id).raw == b"Subject: s\r\n\r\n.\r\n"


@pytest.mark.parametrize("name", ["0-1", "../secrets/postgres", "", "x"])
def test_an_unknown_mail_is_not_found_and_a_path_is_no_name(tmp_path, name):
    with pytest.raises(NotFound):
        outbox.read_mail(tmp_path, name)


def test_what_is_addressed_to_a_return_path_is_delivered_to_the_maildir(sink):
    port, var = sink
    address = f"unsubscribe+{'ab' * 24}@bounces.example.com"
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("ada@example.net", [address, "zoe@example.org"], b"Subject: unsubscribe\r\n\r\nx\r\n")
        client.sendmail("ada@example.net", ["zoe@example.org"], b"Subject: hello\r\n\r\nx\r\n")
    [delivered] = (var / "inbound" / "new").iterdir()
    assert delivered.read_bytes().startswith(b"Return-Path: <ada@example.net>\r\nDelivered-To: unsubscribe+abab")
