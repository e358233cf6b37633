"""Errors that the whole product shares.

Exception
└── PermessoError
    ├── UserError              a person can cause and mend it; its text is shown to them
    │   ├── InvalidInput       something given is wrong: says what, where and what to do
    │   ├── NotFound           the named thing does not exist
    │   ├── Conflict           the state of a thing does not allow this now
    │   └── InvalidToken       a link is forged, damaged or past its time
    └── EngineUnavailable      PostgreSQL, Valkey or a relay cannot be reached or used
"""

from __future__ import annotations


class PermessoError(Exception):
    """Root of all errors raised on purpose."""


class UserError(PermessoError):
    """A mistake a person can mend. The message says what was wrong, where, and what to do."""

    status = 400


class InvalidInput(UserError):
    """Something given is wrong. ``field`` names the input it belongs to, when there is one."""

    status = 422

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(UserError):
    """The named thing does not exist."""

    status = 404


class Conflict(UserError):
    """The state of the thing does not allow this now."""

    status = 409


class InvalidToken(UserError):
    """A link is forged, damaged, meant for something else, or past its time.

    The text never says which, so that nobody learns whether an address is known.
    """

    status = 404

    def __init__(self, message: str = "This link is not valid or no longer valid.", *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class EngineUnavailable(PermessoError):
    """An engine cannot be reached or used; the message is one sentence and the way out."""
