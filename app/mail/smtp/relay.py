"""A relay: where mail is handed over, and how the connection to it is secured."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from app.core.errors import InvalidInput


class Security(StrEnum):
    """How the connection is encrypted. STARTTLS here means: encrypted or not at all."""

    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


@dataclass(frozen=True, slots=True)
class Relay:
    """Address, login and patience. Times are seconds; ``final_timeout`` waits for the reply to a whole message,
    long on purpose: giving up early makes doubles (RFC 5321 §4.5.3.2.6)."""

    host: str
    port: int = 25
    security: Security = Security.NONE
    user: str = ""
    password: str = field(default="", repr=False)
    helo: str = ""
    timeout: float = 60.0
    final_timeout: float = 600.0
    verify: bool = True
    ca_file: str = ""

    @classmethod
    def from_url(
        cls, url: str, *, helo: str = "", timeout: float = 60.0, final_timeout: float = 600.0, verify: bool = True
    ) -> Relay:
        """Read ``smtp://user:password@host:port`` (also ``smtp+starttls://`` and ``smtps://``).

        ``?ca=FILE`` names a private certificate authority. Raises InvalidInput without repeating the password.
        """
        parts = urlsplit(url)
        try:
            security = Security(parts.scheme)
            port = parts.port or _PORTS[security]
        except ValueError as error:
            raise InvalidInput(
                "The relay's address must look like smtp://host:25, smtp+starttls://user:password@host:587 or "
                "smtps://user:password@host:465."
            ) from error
        if not parts.hostname:
            raise InvalidInput("The relay's address names no host: write for example smtp://mail.example.com:25.")
        return cls(
            host=parts.hostname,
            port=port,
            security=security,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            helo=helo,
            timeout=timeout,
            final_timeout=final_timeout,
            verify=verify,
            ca_file=parse_qs(parts.query).get("ca", [""])[0],
        )

    @property
    def name(self) -> str:
        """Host and port, for messages and logs."""
        return f"{self.host}:{self.port}"

    def greeting_name(self) -> str:
        """Return what we call ourselves in EHLO: a domain name or an address literal (RFC 5321 §4.1.3)."""
        name = self.helo or socket.getfqdn()
        return name if "." in name and name.isascii() else "[127.0.0.1]"

    def tls_context(self) -> ssl.SSLContext:
        """Return a context that verifies certificate and name, unless ``verify`` is off."""
        context = ssl.create_default_context(cafile=self.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
