"""Tokens in links, bound to a purpose: a token made for one thing never works for another.

Two kinds. *Message tokens* travel in millions of mails: they name a campaign and a contact, carry a truncated
HMAC-SHA256 (80 bits) and need no database. *Timed tokens* carry a small payload and a time, for confirmations and
fresh access links; itsdangerous makes them. Keys of both are derived from SECRET_KEY by itsdangerous, one for each
purpose; older keys (SECRET_KEY_FALLBACKS) still verify.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, Signer, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode, want_bytes

from app.core import clock, config
from app.core.errors import InvalidToken

_VERSION = 1
_MAC_BYTES = 10
_UNSUBSCRIBE = "unsubscribe+"
_BODY = struct.Struct(">BBIQ")  # format version, key id, campaign, contact


class Purpose(StrEnum):
    """What a token is for; part of its key."""

    ENGAGEMENT = "engagement"  # pixel and clicks, lives for years
    PERMISSION = "permission"  # footer link and one-click
    RETURN_PATH = "return-path"  # VERP
    VIEW = "view"  # web version
    CONFIRM = "confirm"  # double opt-in
    ACCESS = "access"  # fresh link sent to the mailbox
    ADDRESS = "address"  # confirming a new address
    FORM = "form"  # a sign-up form that was shown
    REQUEST = "request"  # the form for requests about one's data that was shown
    STAY = "stay"  # the button of a re-permission mail
    UNDO = "undo"  # taking back what was just withdrawn
    SET_PASSWORD = "set-password"  # noqa: S105 - a purpose, not a password


@dataclass(frozen=True)
class MessageToken:
    """The message a link belongs to. ``contact_id`` 0 stands for nobody: the campaign-wide token."""

    campaign_id: int
    contact_id: int


@lru_cache(maxsize=64)
def _keys(secret_key: str, fallbacks: str, purpose: str) -> tuple[tuple[int, bytes], ...]:
    """Keys for ``purpose`` with their one-byte ids, the one to sign with first."""
    secrets = [secret_key, *(key for key in fallbacks.split(",") if key)]
    keys = [Signer(secret, salt=f"permesso.{purpose}", digest_method=hashlib.sha256).derive_key() for secret in secrets]
    return tuple((hmac.digest(key, b"id", "sha256")[0], key) for key in keys)


def _current_keys(purpose: Purpose) -> tuple[tuple[int, bytes], ...]:
    settings = config.current()
    return _keys(settings.secret_key, settings.secret_key_fallbacks, purpose.value)


def message_signer(purpose: Purpose) -> Callable[[int, int], str]:
    """Return a fast function ``(campaign_id, contact_id) -> token`` for the sending loop (one MAC a call)."""
    key_id, key = _current_keys(purpose)[0]
    pack, digest, encode = _BODY.pack, hmac.digest, base64.urlsafe_b64encode

    def sign(campaign_id: int, contact_id: int) -> str:
        body = pack(_VERSION, key_id, campaign_id, contact_id)
        return encode(body + digest(key, body, "sha256")[:_MAC_BYTES]).decode("ascii")

    return sign


def sign_message(purpose: Purpose, campaign_id: int, contact_id: int) -> str:
    """Return the 32-character URL-safe token of one message."""
    return message_signer(purpose)(campaign_id, contact_id)


def read_message(purpose: Purpose, token: str) -> MessageToken:
    """Return what a message token names. Raises ``InvalidToken`` for anything else, in constant time for the MAC."""
    if len(token) != 32:
        raise InvalidToken()
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raise InvalidToken() from None
    return _verify(purpose, raw)


def return_path_signer() -> Callable[[int, int], str]:
    """Return a fast function ``(campaign_id, contact_id) -> token`` in ``[0-9a-f]``, for local parts, where case may
    be lost."""
    key_id, key = _current_keys(Purpose.RETURN_PATH)[0]
    pack, digest = _BODY.pack, hmac.digest

    def sign(campaign_id: int, contact_id: int) -> str:
        body = pack(_VERSION, key_id, campaign_id, contact_id)
        return (body + digest(key, body, "sha256")[:_MAC_BYTES]).hex()

    return sign


def sign_return_path(campaign_id: int, contact_id: int) -> str:
    """Return the 48-character token of one message's return path."""
    return return_path_signer()(campaign_id, contact_id)


def read_return_path(token: str) -> MessageToken:
    """Return what a return-path token names. Raises ``InvalidToken``."""
    return _read_local_part(Purpose.RETURN_PATH, token)


def unsubscribe_mailbox(token: str, domain: str) -> str:
    """Return the address at ``domain`` that takes by mail what the page of this permission token takes by a button.

    The token is spelled in ``[0-9a-f]``, because the case of a local part may be lost.
    """
    return f"{_UNSUBSCRIBE}{base64.urlsafe_b64decode(token).hex()}@{domain}"


def read_unsubscribe_mailbox(local_part: str) -> MessageToken:
    """Return what the local part of an unsubscribing address names. Raises ``InvalidToken``."""
    text = local_part.lower()
    if not text.startswith(_UNSUBSCRIBE):
        raise InvalidToken()
    return _read_local_part(Purpose.PERMISSION, text.removeprefix(_UNSUBSCRIBE))


def _read_local_part(purpose: Purpose, token: str) -> MessageToken:
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        raise InvalidToken() from None
    if 2 * len(raw) != len(token):
        raise InvalidToken()
    return _verify(purpose, raw)


def _verify(purpose: Purpose, raw: bytes) -> MessageToken:
    if len(raw) != _BODY.size + _MAC_BYTES:
        raise InvalidToken()
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    version, key_id, campaign_id, contact_id = _BODY.unpack(body)
    for known_id, key in _current_keys(purpose):
        if known_id == key_id and hmac.compare_digest(mac, hmac.digest(key, body, "sha256")[:_MAC_BYTES]):
            if version != _VERSION:
                break
            return MessageToken(campaign_id, contact_id)
    raise InvalidToken()


class _Signer(TimestampSigner):
    """Signs with the time of the product's clock, and takes a signature in its one spelling only.

    The last character of 32 bytes in base64 has two bits that say nothing; with them there would be four spellings.
    """

    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        if not super().verify_signature(value, sig):
            return False
        return base64_encode(base64_decode(sig)) == want_bytes(sig)


def _serializer(purpose: Purpose) -> URLSafeTimedSerializer:
    settings = config.current()
    older = [key for key in settings.secret_key_fallbacks.split(",") if key]
    # itsdangerous signs with the last key of a list and accepts all of them.
    return URLSafeTimedSerializer(
        [*reversed(older), settings.secret_key],
        salt=f"permesso.timed.{purpose.value}",
        signer=_Signer,
        signer_kwargs={"digest_method": hashlib.sha256},
    )


def sign_timed(purpose: Purpose, payload: dict[str, Any]) -> str:
    """Return a URL-safe token that carries ``payload`` (JSON, readable by its holder) and the present time."""
    return str(_serializer(purpose).dumps(payload))


def read_timed(purpose: Purpose, token: str, *, max_age: int) -> dict[str, Any]:
    """Return the payload of a timed token. Raises ``InvalidToken`` (``expired`` tells a late one from a forged one)."""
    try:
        payload = _serializer(purpose).loads(token, max_age=max_age)
    except SignatureExpired:
        raise InvalidToken(expired=True) from None
    except BadSignature:
        raise InvalidToken() from None
    if not isinstance(payload, dict):
        raise InvalidToken()
    return payload
