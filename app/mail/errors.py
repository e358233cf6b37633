"""What can go wrong in the post office.

PermessoError
├── UserError
│   ├── DesignError            a design or a merge tag is wrong: line, column, what to do
│   ├── AddressRefused         an address that no message can be written to
│   └── KeyRefused             a DKIM key that may not sign
└── EngineUnavailable
    └── RelayError             the relay cannot be used now
        ├── RelayUnavailable   no connection, or it broke each time
        ├── TlsRefused         no STARTTLS, or a certificate that does not verify
        └── LoginRefused       user or password refused

PermessoError
└── DeliveryError              one message was not taken (``send_one``)
    ├── DeliveryRefused        5xx: do not try again
    └── DeliveryDeferred       4xx or a broken connection: try later
"""

from __future__ import annotations

from app.core.errors import EngineUnavailable, PermessoError, UserError


class DesignError(UserError):
    """A design is wrong at ``line`` and ``column`` (both count from 1; 0 when the place is not known)."""

    status = 422

    def __init__(self, problem: str, *, line: int = 0, column: int = 0) -> None:
        where = f"Line {line}, column {column}: " if line else ""
        super().__init__(where + problem)
        self.problem = problem
        self.line = line
        self.column = column


class AddressRefused(UserError):
    """An e-mail address that cannot stand in an envelope or a header."""

    status = 422


class KeyRefused(UserError):
    """A signing key that is damaged, of the wrong kind or too short (RFC 8301)."""

    status = 422


class RelayError(EngineUnavailable):
    """The relay cannot be used now; nothing was lost."""


class RelayUnavailable(RelayError):
    """The relay does not answer, or the connection breaks each time."""


class TlsRefused(RelayError):
    """Encryption was asked for and cannot be had; mail is never sent in clear instead."""


class LoginRefused(RelayError):
    """The relay refuses the user or password."""


class DeliveryError(PermessoError):
    """One message was not taken. ``code`` is the SMTP reply code, 0 without a reply."""

    def __init__(self, message: str, *, code: int = 0, enhanced: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.enhanced = enhanced


class DeliveryRefused(DeliveryError):
    """The relay refused the message for good (5xx)."""


class DeliveryDeferred(DeliveryError):
    """The relay cannot take the message now (4xx, or the connection broke before it was accepted)."""
