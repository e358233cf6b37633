"""Small secrets at rest (DKIM keys, relay passwords), encrypted under SECRET_KEY; keyed digests of addresses; and
sealing what only the holder of a private key elsewhere may read."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core import config
from app.core.errors import EngineUnavailable, InvalidInput

_MAGIC = b"permesso-sealed-1\n"
_KEY_BYTES = 32


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


def key_pair() -> tuple[str, str]:
    """Return a new private key and its public key, as text."""
    private = X25519PrivateKey.generate()
    return _text(private.private_bytes_raw()), _text(private.public_key().public_bytes_raw())


def seal_for(public_key: str, clear: bytes) -> bytes:
    """Encrypt ``clear`` so that only the private key opens it: X25519 with a key made for this one text (RFC 7748),
    HKDF-SHA-256 (RFC 5869) bound to both public keys, ChaCha20-Poly1305 (RFC 8439).

    Raises ``InvalidInput`` when the key is none.
    """
    receiver, own = X25519PublicKey.from_public_bytes(_key(public_key)), X25519PrivateKey.generate()
    sender = own.public_key().public_bytes_raw()
    box = _box(own.exchange(receiver), sender, receiver.public_bytes_raw())
    # Every text has a key of its own, so the nonce may be the same.
    return _MAGIC + sender + box.encrypt(bytes(12), clear, _MAGIC)


def open_sealed(private_key: str, sealed: bytes) -> bytes:
    """Return what ``seal_for`` was given. Raises ``InvalidInput`` when it is not for this key, or was changed."""
    own, body = X25519PrivateKey.from_private_bytes(_key(private_key)), sealed.removeprefix(_MAGIC)
    if body == sealed or len(body) < _KEY_BYTES:
        raise InvalidInput("This is no sealed file of Permesso.")
    sender = body[:_KEY_BYTES]
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(sender))
        box = _box(shared, sender, own.public_key().public_bytes_raw())
        return box.decrypt(bytes(12), body[_KEY_BYTES:], _MAGIC)
    except (InvalidTag, ValueError):
        raise InvalidInput("This key does not open the file, or the file was changed.") from None


def _box(shared: bytes, sender: bytes, receiver: bytes) -> ChaCha20Poly1305:
    derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_MAGIC + sender + receiver).derive(shared)
    return ChaCha20Poly1305(derived)


def _key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise InvalidInput("This is no key: it must be 32 bytes in base64, as `flask consent archive key` prints it.")
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
