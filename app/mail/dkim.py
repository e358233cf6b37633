"""DKIM (RFC 6376): a fast signer for the hot path, key generation, and verification by dkimpy.

``relaxed/simple``: header values of a skeleton are kept in relaxed form beforehand and the body is hashed as it is,
so a signature costs little more than its RSA operation (``docs/performance.md``).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

import dkim
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.mail.errors import KeyRefused
from app.mail.skeleton import Rendered

_PADDING = padding.PKCS1v15()
_HASH = hashes.SHA256()
_MIN_BITS = 1024  # RFC 8301 §3.2; 2048 is the default


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new signing key: the PEM to keep secret and the TXT record to publish at ``selector._domainkey.domain``."""

    private_pem: str
    dns_txt: str


def generate_key(bits: int = 2048) -> KeyPair:
    """Return a new RSA key. Raises KeyRefused for less than 2048 bits."""
    if bits < 2048:
        raise KeyRefused("A DKIM key must have at least 2048 bits.")
    key = rsa.generate_private_key(65537, bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return KeyPair(pem.decode(), dns_record(pem))


def dns_record(private_pem: str | bytes) -> str:
    """Return the TXT record that publishes the public half of a key."""
    public = _load(private_pem).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + b64encode(der).decode()


def _load(private_pem: str | bytes) -> rsa.RSAPrivateKey:
    data = private_pem.encode() if isinstance(private_pem, str) else private_pem
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise KeyRefused("The DKIM key cannot be read: it must be an RSA private key in PEM form.") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyRefused("The DKIM key is not an RSA key.")
    if key.key_size < _MIN_BITS:
        raise KeyRefused(f"The DKIM key has {key.key_size} bits; receivers refuse less than {_MIN_BITS} (RFC 8301).")
    return key


class Signer:
    """Signs rendered messages for one domain and selector. Build once and keep: loading a key is slow."""

    __slots__ = ("_head", "_head_folded", "_key", "domain", "selector")

    def __init__(self, private_pem: str | bytes, domain: str, selector: str) -> None:
        self._key = _load(private_pem)
        self.domain, self.selector = domain, selector
        tags = b"v=1; a=rsa-sha256; c=relaxed/simple; d=%b; s=%b;" % (domain.encode("ascii"), selector.encode("ascii"))
        self._head = b"dkim-signature:" + tags + b" t=%d; h=%b; bh=%b; b="
        self._head_folded = b"DKIM-Signature: " + tags + b"\r\n t=%d; h=%b;\r\n bh=%b;\r\n b="

    def sign(self, rendered: Rendered, at: int) -> bytes:
        """Return the DKIM-Signature header, with its line ends. ``at`` is the time in unix seconds."""
        body_hash = b64encode(sha256(rendered.body).digest())
        data = rendered.canonical + self._head % (at, rendered.signed, body_hash)
        signature = b64encode(self._key.sign(data, _PADDING, _HASH))
        folded = b"\r\n ".join([signature[start : start + 74] for start in range(0, len(signature), 74)])
        return self._head_folded % (at, rendered.signed_folded, body_hash) + folded + b"\r\n"


def verify(message: bytes, dns_txt: str) -> bool:
    """Tell whether the first DKIM signature of ``message`` verifies against a published record (dkimpy's judgement)."""

    def lookup(_name: bytes, timeout: int = 5) -> bytes:
        del timeout
        return dns_txt.encode()

    try:
        return bool(dkim.verify(message, dnsfunc=lookup))
    except dkim.DKIMException:
        return False
