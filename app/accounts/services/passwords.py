"""Passwords: hashed with argon2id under the library's recommended cost (RFC 9106, section 4, second choice)."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _

from app.accounts.policy import PASSWORD_LENGTH
from app.core.errors import InvalidInput

_hasher = PasswordHasher()
LONGEST = 200


def hash_password(password: str) -> str:
    """Return the encoded hash of ``password``."""
    return _hasher.hash(password)


def matches(password: str, hashed: str | None) -> bool:
    """Say whether ``password`` belongs to ``hashed``; without one it takes the same time and is never so."""
    decoy = _decoy()
    try:
        return _hasher.verify(hashed or decoy, password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def is_old(hashed: str) -> bool:
    """Say whether ``hashed`` was made with a cost that has since been raised."""
    return _hasher.check_needs_rehash(hashed)


def unusable() -> str:
    """Return a hash nobody knows the password of: for someone invited who has not chosen one yet."""
    return hash_password(secrets.token_urlsafe(32))


def check_strength(password: str, *, email: str, name: str) -> None:
    """Refuse a password that is too short, too long or that anyone would guess. Raises ``InvalidInput``.

    Length is what counts (NIST SP 800-63B, 5.1.1.2); no rule about kinds of characters.
    """
    if len(password) < PASSWORD_LENGTH:
        raise InvalidInput(
            _("The password is too short: choose %(count)s characters or more.", count=PASSWORD_LENGTH),
            field="password",
        )
    if len(password) > LONGEST:
        raise InvalidInput(
            _("The password is too long: choose at most %(count)s characters.", count=LONGEST), field="password"
        )
    plain = password.casefold()
    known = {email.casefold(), email.split("@")[0].casefold(), name.casefold()}
    if len(set(plain)) < 5 or plain.strip("0123456789!.") in known:
        raise InvalidInput(_("The password is easy to guess: choose another one."), field="password")


@lru_cache(maxsize=1)
def _decoy() -> str:
    return unusable()
