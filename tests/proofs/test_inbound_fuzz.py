"""A million mails that nobody would write on purpose: none crashes the classifier, none holds it up."""

from __future__ import annotations

import random
import time

import pytest

from app.core.config import Settings
from app.mail.inbound import ReturnKind, classify
from tests.mail.returned import feedback, person, prose, report

CASES = 1_000_000
LONGEST_S = 5.0
SEEDS = (
    report(
        person("ada@example.net", "5.1.1", "550 5.1.1 <ada@example.net>: User unknown"),
        person("bob@example.net", "4.2.2"),
        original="Received: from example.com\nReturn-Path: <a@example.com>\nMessage-ID: <1@example.com>\n\nHello",
    ),
    feedback("abuse", "Original-Rcpt-To: ada@example.net", "To: ada@example.net\n\nHello"),
    prose("<ada@example.net>:\n550 no such user (#5.1.1)\n\n--- A copy.\n\nReceived: x\nTo: y\nFrom: z\n"),
    prose("Away.", sender="ada@example.net", subject="=?utf-8?q?Out_of_office?=", Auto_Submitted="auto-replied"),
    prose('{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "a@example.net"}]}}'),
)
PIECES = (
    b"\n", b"\r\n", b"\n\n", b"\0", b"--b\n", b"--b--", b"\xff\xfe", b"<", b">", b"@", b":", b";", b"=?x?b?", b"?=",
    b"550 ", b"5.1.1", b"Final-Recipient: ", b"Content-Type: multipart/mixed; boundary=b\n\n", b"text/html\n\n",
    b"Content-Transfer-Encoding: base64\n\n", b"Content-Type: message/rfc822\n\n", b"charset=utf-16", b"Received: ",
    b"user unknown", b" ", b"\t", b"{", b"[", b"\xe3\x81\x82", b"a" * 300, b"recipient " * 30, b"(" * 50,
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    raw = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 12)):
        place, piece = chance.randrange(len(raw) + 1), chance.choice(PIECES)
        match chance.randrange(4):
            case 0:
                raw[place:place] = piece
            case 1:
                raw[place : place + len(piece)] = piece
            case 2:
                del raw[place : place + chance.randint(1, 60)]
            case _:
                raw[place : place + 1] = bytes([chance.randrange(256)])
    return bytes(raw)


def fuzz(cases: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(cases):
        raw = mutated(chance)
        began = time.process_time()
        found = classify(raw)
        assert isinstance(found.kind, ReturnKind), (seed, number)
        assert not found.reason.startswith("cannot be read"), (seed, number, found.reason)
        assert time.process_time() - began < LONGEST_S, (seed, number)


@pytest.mark.proof
def test_a_million_mails(settings: Settings) -> None:  # with keys, since what looks like a token is verified
    fuzz(CASES, seed=1)


def test_two_thousand_mails(settings: Settings) -> None:
    fuzz(2_000, seed=2)
