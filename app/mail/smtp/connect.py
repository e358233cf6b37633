"""Open a connection: greeting, EHLO, STARTTLS, login. Blocking; the sender does it in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass

from app.mail.errors import LoginRefused, RelayUnavailable, TlsRefused
from app.mail.smtp.relay import Relay, Security
from app.mail.smtp.reply import ProtocolError, Reply, ReplyReader

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(slots=True)
class Opened:
    """A connection ready for MAIL, and what its server can do."""

    sock: socket.socket
    extensions: dict[str, str]

    @property
    def pipelining(self) -> bool:
        return "PIPELINING" in self.extensions

    @property
    def max_size(self) -> int:
        """The size limit in bytes; 0 when none is declared (RFC 1870)."""
        size = self.extensions.get("SIZE", "")
        return int(size) if size.isdigit() else 0


def connect(relay: Relay) -> Opened:
    """Return an open connection. Raises RelayUnavailable, TlsRefused or LoginRefused, each with the way out."""
    deadline = time.monotonic() + relay.timeout
    try:
        sock = socket.create_connection((relay.host, relay.port), timeout=relay.timeout)
    except OSError as error:
        raise RelayUnavailable(
            f"The relay {relay.name} cannot be reached ({_reason(error)}): check its address."
        ) from error
    try:
        return _Opening(relay, sock, deadline).open()
    except (OSError, ProtocolError) as error:
        raise RelayUnavailable(f"The relay {relay.name} broke the connection off ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Opening:
    def __init__(self, relay: Relay, sock: socket.socket, deadline: float) -> None:
        self.relay, self.sock, self.deadline = relay, sock, deadline
        self.reader = ReplyReader()
        self.waiting: list[Reply] = []

    def open(self) -> Opened:
        done = False
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.relay.security is Security.TLS:
                self._encrypt()
            self._expect(self._reply(), 220, "greeted us")
            extensions = self._hello()
            if self.relay.security is Security.STARTTLS:
                extensions = self._starttls(extensions)
            if self.relay.user:
                self._login(extensions.get("AUTH", ""))
            done = True
            return Opened(self.sock, extensions)
        finally:
            if not done:
                with contextlib.suppress(OSError):
                    self.sock.close()

    def _command(self, line: str) -> Reply:
        self.sock.sendall(line.encode() + b"\r\n")
        return self._reply()

    def _reply(self) -> Reply:
        while not self.waiting:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("it took too long to answer")
            self.sock.settimeout(left)
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionResetError("it closed the connection")
            self.waiting = self.reader.feed(data)
        return self.waiting.pop(0)

    def _expect(self, reply: Reply, code: int, when: str) -> None:
        if reply.code != code:
            raise RelayUnavailable(f"The relay {self.relay.name} {when} with {reply.code} {reply.text}".rstrip() + ".")

    def _hello(self) -> dict[str, str]:
        name = self.relay.greeting_name()
        reply = self._command(f"EHLO {name}")
        if reply.code == 250:
            rows = (line.partition(" ") for line in self.reader.lines[1:])
            # "AUTH=LOGIN" is an old form of "AUTH LOGIN" some servers still send beside it.
            return {key.upper(): value.strip() for key, _, value in rows if not key.upper().startswith("AUTH=")}
        if reply.code >= 500:
            self._expect(self._command(f"HELO {name}"), 250, "answered HELO")
            return {}
        self._expect(reply, 250, "answered EHLO")
        return {}

    def _starttls(self, extensions: dict[str, str]) -> dict[str, str]:
        if "STARTTLS" not in extensions:
            raise TlsRefused(
                f"The relay {self.relay.name} offers no encryption (STARTTLS), and mail is not sent in clear instead: "
                "use another port, smtps://, or smtp:// if that is meant."
            )
        reply = self._command("STARTTLS")
        if reply.code != 220:
            raise TlsRefused(f"The relay {self.relay.name} refused to start encryption: {reply.code} {reply.text}.")
        if self.waiting or not self.reader.empty:
            # Bytes from before the handshake could be an attacker's (CVE-2011-0411).
            raise TlsRefused(f"The relay {self.relay.name} sent data before encryption began.")
        self._encrypt()
        return self._hello()

    def _encrypt(self) -> None:
        self.sock.settimeout(max(0.1, self.deadline - time.monotonic()))
        try:
            self.sock = self.relay.tls_context().wrap_socket(self.sock, server_hostname=self.relay.host)
        except ssl.SSLCertVerificationError as error:
            raise TlsRefused(
                f"The certificate of the relay {self.relay.name} does not verify ({error.verify_message}): "
                "correct its name or certificate."
            ) from error
        except ssl.SSLError as error:
            raise TlsRefused(f"The relay {self.relay.name} does not speak TLS as expected ({error.reason}).") from error

    def _login(self, offered: str) -> None:
        if self.relay.security is Security.NONE and self.relay.host not in _LOOPBACK:
            raise LoginRefused("The password would travel in clear: use smtp+starttls:// or smtps://.")
        methods = offered.upper().split()
        user, password = self.relay.user, self.relay.password
        if "PLAIN" in methods:
            reply = self._command("AUTH PLAIN " + _base64(f"\0{user}\0{password}"))
        elif "LOGIN" in methods:
            reply = self._command("AUTH LOGIN")
            for secret in (user, password):
                if reply.code == 334:
                    reply = self._command(_base64(secret))
        else:
            raise LoginRefused(f"The relay {self.relay.name} offers no login we know (PLAIN, LOGIN).")
        if reply.code >= 500 or 300 <= reply.code < 400:
            raise LoginRefused(f"The relay {self.relay.name} refused user or password: {reply.code} {reply.text}.")
        self._expect(reply, 235, "answered the login")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
