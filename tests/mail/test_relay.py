"""One message to a relay: login, encryption, addresses, dots."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app.core.errors import InvalidInput
from app.mail.errors import DeliveryDeferred, DeliveryRefused, LoginRefused, RelayError, TlsRefused
from app.mail.smtp import Outgoing, Relay, Security, Sender, send_one
from tests.mail.hostile import HostileServer

BODY = b"Subject: hello\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "relay.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    return file


def server_context(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def try_relay(relay: Relay) -> RelayError:
    """Return the error with which a relay refuses to be used."""
    with (
        Sender(relay, 1, before_final=lambda _: None, on_outcome=lambda _: None) as sender,
        pytest.raises(RelayError) as error,
    ):
        sender.run(iter([Outgoing(1, "a@b.example", "c@example.com", (BODY,))]))
    return error.value


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtp://mail.example.com", Security.NONE, 25),
        ("smtp+starttls://me:p%40ss@mail.example.com", Security.STARTTLS, 587),
        ("smtps://me@mail.example.com:4650", Security.TLS, 4650),
    ],
)
def test_addresses_of_relays(url: str, security: Security, port: int) -> None:
    relay = Relay.from_url(url)
    assert (relay.security, relay.port, relay.host) == (security, port, "mail.example.com")
    assert "p@ss" not in repr(relay)


@pytest.mark.parametrize("url", ["mail.example.com", "http://x.example", "smtp://", "smtp://host:99999", "smtps://:25"])
def test_wrong_addresses_of_relays_are_explained(url: str) -> None:
    with pytest.raises(InvalidInput, match="relay's address"):
        Relay.from_url(url)


def test_a_message_arrives_with_its_dots() -> None:
    with HostileServer() as server:
        reply = send_one(Relay.from_url(server.url), "", "a@example.com", b"Subject: x\n\n.hidden\n..\n.\nend")
    assert reply.code == 250
    assert server.bodies["a@example.com"] == b"Subject: x\r\n\r\n..hidden\r\n...\r\n..\r\nend\r\n"
    assert any(line.startswith("MAIL FROM:<>") for line in server.lines)


def test_refused_and_deferred_are_told_apart() -> None:
    with (
        HostileServer(script=lambda s, _: "550 5.1.1 no such user" if s == "RCPT" else None) as server,
        pytest.raises(DeliveryRefused) as refused,
    ):
        send_one(Relay.from_url(server.url), "a@b.example", "c@example.com", BODY)
    assert (refused.value.code, refused.value.enhanced) == (550, "5.1.1")
    with (
        HostileServer(script=lambda s, _: "451 later" if s == "DOT" else None) as server,
        pytest.raises(DeliveryDeferred),
    ):
        send_one(Relay.from_url(server.url), "a@b.example", "c@example.com", BODY)
    with pytest.raises(DeliveryDeferred, match="cannot be reached"):
        send_one(Relay.from_url("smtp://127.0.0.1:1"), "a@b.example", "c@example.com", BODY)


def test_an_internationalised_address_goes_where_the_relay_takes_it() -> None:
    with HostileServer() as server:
        send_one(Relay.from_url(server.url), "a@b.example", "jösé@bücher.example", BODY)
    assert any("SMTPUTF8" in line for line in server.lines if line.startswith("MAIL"))
    assert server.accepted == ["jösé@xn--bcher-kva.example"]


def test_an_old_server_without_ehlo() -> None:
    with HostileServer(script=lambda s, _: "502 what?" if s == "EHLO" else None) as server:
        send_one(Relay.from_url(server.url), "a@b.example", "c@example.com", BODY)
    assert server.accepted == ["c@example.com"]


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
def test_login(method: str) -> None:
    seen: list[str] = []

    def script(step: str, argument: str) -> str | None:
        if step == "AUTH":
            seen.append(argument)
            return "535 5.7.8 no" if len(seen) > 1 else None
        return None

    with HostileServer(extensions=(f"AUTH {method}",), script=script) as server:
        relay = Relay.from_url(f"smtp://me:s%40cret@127.0.0.1:{server.port}")
        send_one(relay, "a@b.example", "c@example.com", BODY)
        error = try_relay(relay)
    assert seen[0].startswith(method)
    assert isinstance(error, LoginRefused)
    assert "s@cret" not in str(error)


def test_a_password_never_travels_in_clear_to_another_host() -> None:
    with HostileServer(extensions=("AUTH PLAIN",)) as server:
        error = try_relay(Relay.from_url(f"smtp://me:secret@127.1:{server.port}"))
    assert isinstance(error, LoginRefused)
    assert not any(line.startswith("AUTH") for line in server.lines)


class TestEncryption:
    """STANDARDS row 27: verified, and never silently downgraded."""

    @pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
    def test_mail_goes_over_a_verified_connection(self, certificate: Path, scheme: str) -> None:
        server = HostileServer(
            extensions=("STARTTLS",), context=server_context(certificate), implicit_tls=scheme == "smtps"
        )
        with server:
            relay = Relay.from_url(f"{scheme}://127.0.0.1:{server.port}?ca={certificate}")
            big = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 20_000
            send_one(relay, "a@b.example", "c@example.com", big)
        assert server.bodies["c@example.com"] == big

    @pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
    def test_a_certificate_nobody_vouches_for_is_refused(self, certificate: Path, scheme: str) -> None:
        server = HostileServer(
            extensions=("STARTTLS",), context=server_context(certificate), implicit_tls=scheme == "smtps"
        )
        with server:
            error = try_relay(Relay.from_url(f"{scheme}://127.0.0.1:{server.port}"))
        assert isinstance(error, TlsRefused)
        assert "certificate" in str(error)
        assert server.accepted == []

    def test_a_server_that_stops_offering_starttls_gets_nothing(self) -> None:
        with HostileServer() as server:
            error = try_relay(Relay.from_url(f"smtp+starttls://127.0.0.1:{server.port}"))
        assert isinstance(error, TlsRefused)
        assert server.accepted == []
        assert not any(line.startswith("MAIL") for line in server.lines)

    def test_commands_slipped_in_before_the_handshake_are_noticed(self, certificate: Path) -> None:
        server = HostileServer(
            extensions=("STARTTLS",),
            context=server_context(certificate),
            script=lambda s, _: "220 go on\r\n250 injected" if s == "STARTTLS" else None,
        )
        with server:
            error = try_relay(Relay.from_url(f"smtp+starttls://127.0.0.1:{server.port}?ca={certificate}"))
        assert isinstance(error, RelayError)
        assert server.accepted == []
