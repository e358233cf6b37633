"""Signatures, judged by dkimpy and by Perl's Mail::DKIM."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail import dkim, mime
from app.mail.content import compile_design
from app.mail.errors import KeyRefused
from app.mail.skeleton import Engagement, Frame, build_skeleton
from app.mail.templates import starters

KEY = dkim.generate_key()
SIGNER = dkim.Signer(KEY.private_pem, "brand.example", "s1")
SKELETON = build_skeleton(
    compile_design(starters("fr")[1].mjml),
    Frame("news@brand.example", "Café", "{{ contact.first_name }}: é", "brand.example", list_id="n.brand.example",
          list_name="L'été", feedback_id="1:2:3:brand", reply_to="re@brand.example"),
    Engagement("https://t.example"),
)  # fmt: skip


def signed(first_name: str = "Ann", to_name: str = "Ann") -> bytes:
    rendered = SKELETON.render(
        {
            "to_address": "ann@example.com",
            "to_name": to_name,
            "message_id": "m1",
            "date": mime.date_header(datetime(2026, 1, 2, tzinfo=UTC)),
            "engagement_token": "t",
            "unsubscribe_url": "https://t.example/unsubscribe/x",
            "unsubscribe_mailbox": "unsubscribe+00@t.example",
            "contact.first_name": first_name,
        }
    )
    return rendered.message(SIGNER.sign(rendered, 1_767_312_000))


@settings(max_examples=60, deadline=None)
@given(first_name=st.text(max_size=150), to_name=st.text(max_size=80))
def test_dkimpy_verifies_whatever_is_filled_in(first_name: str, to_name: str) -> None:
    assert dkim.verify(signed(first_name, to_name), KEY.dns_txt)


@pytest.mark.parametrize(
    "name", ["From", "To", "Subject", "Date", "Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"]
)
def test_a_second_header_breaks_the_signature(name: str) -> None:
    """STANDARDS 10."""
    message = signed()
    assert dkim.verify(message, KEY.dns_txt)
    assert not dkim.verify(name.encode() + b": forged@evil.example\r\n" + message, KEY.dns_txt)
    end = message.index(b"\r\n\r\n") + 2
    assert not dkim.verify(message[:end] + name.encode() + b": forged@evil.example\r\n" + message[end:], KEY.dns_txt)


@pytest.mark.parametrize("name", [b"Message-ID", b"MIME-Version", b"Content-Type", b"Feedback-ID", b"List-Unsubscribe"])
def test_a_changed_header_or_body_breaks_the_signature(name: bytes) -> None:
    message = signed()
    changed = re.sub(rb"(?m)^" + name + rb": ", name + b": x", message, count=1)
    assert changed != message
    assert not dkim.verify(changed, KEY.dns_txt)
    assert not dkim.verify(message[:-20] + b"x" + message[-20:], KEY.dns_txt)


def test_the_tags_are_as_the_standards_ask() -> None:
    """STANDARDS 6, 10, 11."""
    head = signed().partition(b"\r\nFrom:")[0].decode()
    tags = dict(part.strip().split("=", 1) for part in head.partition(":")[2].replace("\r\n", "").split(";"))
    assert (tags["a"], tags["c"], tags["d"], tags["s"]) == ("rsa-sha256", "relaxed/simple", "brand.example", "s1")
    assert "l" not in tags
    names = [name.strip() for name in tags["h"].split(":")]
    for twice in ("from", "to", "subject", "date", "reply-to", "list-id", "list-unsubscribe", "list-unsubscribe-post"):
        assert names.count(twice) == 2
    assert {"message-id", "mime-version", "content-type", "feedback-id"} <= set(names)
    assert all(len(line) <= 78 for line in head.split("\r\n"))


def test_weak_and_wrong_keys_are_refused() -> None:
    """STANDARDS 11 (RFC 8301)."""
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    with pytest.raises(KeyRefused, match="2048"):
        dkim.generate_key(1024)
    with pytest.raises(KeyRefused, match="not an RSA key"):
        dkim.Signer(ed25519.Ed25519PrivateKey.generate().private_bytes(*form), "b.example", "s")
    with pytest.raises(KeyRefused, match="cannot be read"):
        dkim.Signer("nonsense", "b.example", "s")
    assert rsa.generate_private_key(65537, 2048).key_size == 2048


def test_dkimpy_and_we_sign_alike() -> None:
    """dkimpy as oracle: signing the same headers gives a signature that verifies against the same record."""
    message = signed().partition(b"\r\nFrom:")[2]
    theirs = dkimpy.sign(b"From:" + message, b"s1", b"brand.example", KEY.private_pem.encode())
    assert dkim.verify(theirs + b"From:" + message, KEY.dns_txt)


@pytest.mark.skipif(not shutil.which("perl"), reason="needs perl with Mail::DKIM")
def test_mail_dkim_verifies() -> None:
    script = r"""
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
    if subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True).returncode:
        pytest.skip("Mail::DKIM is not installed")
    for message, result in ((signed(), b"pass"), (signed() + b"x\r\n", b"fail")):
        got = subprocess.run(["perl", "-e", script, KEY.dns_txt], input=message, capture_output=True, timeout=30)
        assert got.stdout == result, got.stderr
