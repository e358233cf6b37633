"""The wire forms of a message: headers (RFC 5322, 2047), addresses (5321, 5891) and quoted-printable (2045)."""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

import idna

from app.mail.errors import AddressRefused

LINE = 76  # quoted-printable and encoded-word lines; ordinary header lines fold at 78
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LOCAL_UTF8 = re.compile(r"[^\x00-\x20\x7f\"(),:;<>@\[\\\].]+(?:\.[^\x00-\x20\x7f\"(),:;<>@\[\\\].]+)*")
_QUOTED_LOCAL = re.compile(r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])+"')
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAX_NAME, _MAX_SUBJECT = 128, 500


# Headers.
def one_line(text: str) -> str:
    """Replace control characters and line separators by a space: nothing may start a new header."""
    return _CONTROL.sub(" ", text).strip() if not text.isprintable() else text.strip()


def date_header(at: datetime) -> str:
    """Return ``at`` as a Date header has it (RFC 5322 §3.3)."""
    return format_datetime(at)


def unstructured(name: str, text: str) -> bytes:
    """Return the folded value of a free-text header such as Subject (without name and colon)."""
    text = one_line(text)[:_MAX_SUBJECT]
    if text.isascii() and "=?" not in text:
        if len(name) + 2 + len(text) <= 78:
            return text.encode()
        if (folded := _fold(text, len(name) + 2)) is not None:
            return folded
    return _encoded_words(text, len(name) + 2)


def _fold(text: str, used: int) -> bytes | None:
    """Fold ASCII text at single spaces to lines of 78; None when a word is too long or spaces are doubled."""
    lines = [""]
    for word in text.split(" "):
        room = 78 - (used if len(lines) == 1 else 0)
        if not word or len(word) > 76:
            return None
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(" " + word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n".join(lines).encode()


def _encoded_words(text: str, used: int) -> bytes:
    """Return RFC 2047 encoded words of at most 75 characters, no character split between two (§5.3)."""
    words: list[bytes] = []
    chunk, room = b"", max(3, (min(75, LINE - used) - 12) // 4 * 3)
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            words.append(chunk)
            chunk, room = b"", 45
        chunk += octets
    words.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?" + b64encode(word) + b"?=" for word in words if word)


def mailbox(name: str, address: str, header: str = "To") -> bytes:
    """Return ``Name <address>`` for a header of the given name, encoded and folded; ``address`` is already checked."""
    bare = b"<" + address.encode() + b">"
    name = one_line(name)[:_MAX_NAME]
    if not name:
        return bare if header != "To" else address.encode()
    if name.isascii() and "=?" not in name:
        phrase = name if _ATOMS.fullmatch(name) else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if len(header) + 2 + len(phrase) + 1 + len(bare) <= 78:
            return phrase.encode() + b" " + bare
        if len(phrase) <= 70:
            return phrase.encode() + b"\r\n " + bare
    words = _encoded_words(name, len(header) + 2)
    last = len(words) - (words.rfind(b"\n") + 1)
    return words + (b" " if last + len(bare) < LINE - len(header) - 2 else b"\r\n ") + bare


def list_id(name: str, identifier: str) -> bytes:
    """Return a List-Id (RFC 2919): ``"Name" <identifier>``."""
    return mailbox(name, identifier, "List-Id")


def canonical(value: bytes) -> bytes:
    """Return a header value in DKIM's relaxed form: unfolded, white space collapsed (RFC 6376 §3.4.2)."""
    return b" ".join(value.split())


# Addresses.
def envelope_address(address: str) -> str:
    """Return ``address`` with its domain as A-labels. Raises AddressRefused where no SMTP command could carry it."""
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise AddressRefused(f"“{_shown(address)}” is not an e-mail address: it needs a name, an @ and a domain.")
    if not (_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)) and (
        local.isascii() or not _LOCAL_UTF8.fullmatch(local) or not local.isprintable()
    ):
        raise AddressRefused(f"“{_shown(address)}” has characters before the @ that an address cannot have.")
    ascii_domain = domain_ascii(domain)
    if len(local.encode()) > 64 or len(ascii_domain) > 253 or len(local.encode()) + 1 + len(ascii_domain) > 254:
        raise AddressRefused(f"“{_shown(address)}” is too long for an e-mail address (RFC 5321 §4.5.3.1).")
    return f"{local}@{ascii_domain}"


@lru_cache(maxsize=8192)
def domain_ascii(domain: str) -> str:
    """Return a domain as A-labels, lower case. Raises AddressRefused."""
    try:
        name = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressRefused(f"“{_shown(domain)}” is not a domain that exists on the internet.") from error
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise AddressRefused(f"“{_shown(domain)}” is not a domain name.")
    return name


def _shown(text: str) -> str:
    return one_line(text)[:80]


# Quoted-printable.
_AT_START = re.compile(rb"(?:^|(?<=\n))(?:\.|From )")


def quoted_printable(text: str, *, before_slot: bool = False) -> bytes:
    """Encode ``text``; lines end in CRLF and have at most 76 octets.

    No line starts with a dot, so nothing needs dot-stuffing, nor with ``From ``, which mailbox files change.
    With ``before_slot`` the last line leaves room for the soft break that follows.
    """
    crlf = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    out = binascii.b2a_qp(crlf, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if _AT_START.search(out):
        out = b"\r\n".join(_guard_start(line) for line in out.split(b"\r\n"))
    if before_slot:
        start = out.rfind(b"\n") + 1
        if len(out) - start > LINE - 1:
            out = out[:start] + _split(out[start:], LINE - 1)
    return out


def _guard_start(line: bytes) -> bytes:
    if not line.startswith((b".", b"From ")):
        return line
    return _split(b"=%02X" % line[0] + line[1:], LINE)


def _split(line: bytes, limit: int) -> bytes:
    """Break one encoded line by a soft break so that no part is longer than ``limit``; an escape stays whole."""
    if len(line) <= limit:
        return line
    cut = limit - 5
    if line[cut - 1 : cut] == b"=":
        cut -= 1
    elif line[cut - 2 : cut - 1] == b"=":
        cut -= 2
    rest = line[cut:]
    if rest[:1] == b".":
        rest = b"=2E" + rest[1:]
    return line[:cut] + b"=\r\n" + rest


def quoted_value(text: str) -> bytes:
    """Encode a slot's value, which stands on a line of its own between two soft breaks."""
    # Printable ASCII is the common case and needs nothing; dots and F (of "From ") are looked at the long way.
    if len(text) < LINE and text.isascii() and text.isprintable() and "=" not in text and text[:1] not in (".", "F"):
        return text.encode()
    return quoted_printable(text, before_slot=True)
