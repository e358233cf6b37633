"""Small secrets at rest (DKIM keys, relay passwords), encrypted under SECRET_KEY; and keyed digests of addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.core import config
from app.core.errors import EngineUnavailable


def _fernet() -> MultiFernet:
    settings = config.current()
    keys = [settings.secret_key, *(key for key in settings.secret_key_fallbacks.split(",") if key)]
    derived = [hmac.digest(key.encode(), b"permesso.at-rest", "sha256") for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def seal(clear: bytes) -> bytes:
    """Encrypt and authenticate ``clear``."""
    return _fernet().encrypt(clear)


def unseal(sealed: bytes) -> bytes:
    """Return what ``seal`` was given. Raises ``EngineUnavailable`` when no known key opens it."""
    try:
        return _fernet().decrypt(sealed)
    except InvalidToken:
        raise EngineUnavailable(
            "A stored secret cannot be opened: SECRET_KEY has changed. Add the former key to SECRET_KEY_FALLBACKS."
        ) from None


def address_key(address: str) -> bytes:
    """Return the 32-byte HMAC-SHA256 of a normalised address under the permanent SUPPRESSION_KEY."""
    return hmac.digest(config.current().suppression_key.encode(), address.encode(), "sha256")


def address_sha256(address: str) -> bytes:
    """Return the plain SHA-256 of a normalised address, for exchange with other systems."""
    return hashlib.sha256(address.encode()).digest()
