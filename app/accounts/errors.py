"""Errors of staff accounts.

UserError
├── SignInRefused      wrong address or password; the text never says which
├── NotAllowed         signed in, but the role does not reach
└── TooManyTries       asked too often; the text says how long to wait
"""

from __future__ import annotations

from app.core.errors import UserError


class SignInRefused(UserError):
    """The address and the password do not belong together, or the account is closed."""

    status = 422


class NotAllowed(UserError):
    """The role of the signed-in person does not allow this."""

    status = 403


class TooManyTries(UserError):
    """Something was tried too often."""

    status = 429
