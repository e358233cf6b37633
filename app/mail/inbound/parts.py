"""The headers and the first text of a mail, within limits: strangers write these mails, and some mean harm.

Nothing here recurses, and no more than the beginning of a mail is looked at, so a thousand nested parts or fifty
megabytes cost no more than a letter. What cannot be understood is left out; nothing is raised.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from quopri import decodestring

LOOKED_AT = 262_144  # bytes of a mail, headers included
_HEADERS = 400
_DEPTH, _PARTS = 20, 100
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.I)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.I)
# Python knows codecs that are no charsets of mail and take their time (idna) or fail on purpose (undefined).
_KNOWN = re.compile(r"ascii|utf.*|iso(?:8859|2022).*|cp\d+|koi8.*|mac.*|gb.*|big5.*|euc.*|shift.*|johab|hz")

Fields = dict[str, list[str]]


@dataclass(frozen=True)
class Part:
    """A mail, or a part of one. Header names are in lower case; a header may stand there several times."""

    headers: Fields
    body: bytes

    def first(self, name: str) -> str:
        """Return the first header of a name, blank when there is none."""
        return self.headers.get(name, [""])[0]

    @property
    def kind(self) -> str:
        """The media type; what says nothing is plain text (RFC 2045 §5.2)."""
        return self.first("content-type").partition(";")[0].strip().lower() or "text/plain"


def read(raw: bytes) -> Part:
    """Return the headers of a mail or a part, and what follows them."""
    raw = raw[:LOOKED_AT].replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n") if not raw.startswith(b"\n") else (b"", b"", raw[1:])
    headers: dict[str, list[str]] = {}
    for line in _FOLD.sub(b"", head).split(b"\n")[:_HEADERS]:
        name, colon, value = line.partition(b":")
        if colon and name and b" " not in name.rstrip():
            headers.setdefault(name.strip().decode("latin-1").lower(), []).append(_text(value.strip(), "utf-8"))
    return Part(headers, body)


def words(value: str) -> str:
    """Decode a header's encoded words (RFC 2047); what cannot be decoded stays as it is."""
    value = value[:2000]
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(piece if isinstance(piece, str) else _text(piece, charset or "ascii") for piece, charset in pieces)


def texts(mail: Part) -> tuple[str, str]:
    """Return the first plain text and the first HTML of a mail, blank where there is none.

    Attachments and mails within the mail are not looked into.
    """
    found: dict[str, str] = {}
    for part in walk(mail):
        if part.kind in ("text/plain", "text/html") and not part.first("content-disposition").startswith("attachment"):
            found.setdefault(part.kind, decoded(part))
    return found.get("text/plain", ""), found.get("text/html", "")


def walk(mail: Part) -> Iterator[Part]:
    waiting = [(mail, 0)]
    for _ in range(_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        if not part.kind.startswith("multipart/"):
            yield part
        elif depth < _DEPTH and (named := BOUNDARY.search(part.first("content-type"))):
            mark = b"\n--" + (named[1] or named[2]).encode("utf-8", "replace")
            pieces = (b"\n" + part.body).split(mark)[1 : _PARTS + 1]
            # A last mark ends in two hyphens; behind it nothing counts (RFC 2046 §5.1.1).
            inner = [read(piece.partition(b"\n")[2]) for piece in pieces if not piece.startswith(b"--")]
            waiting += [(each, depth + 1) for each in reversed(inner)]


def decoded(part: Part) -> str:
    body, encoding = part.body, part.first("content-transfer-encoding").strip().lower()
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]  # one letter alone holds no byte
        body = binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    elif encoding == "quoted-printable":
        body = decodestring(body)
    named = _CHARSET.search(part.first("content-type"))
    return _text(body, named[1] if named else "utf-8")


def _text(octets: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        name = ""
    if not _KNOWN.fullmatch(name.replace("_", "").replace("-", "")):
        name = "utf-8"
    try:
        return octets.decode(name, "replace")
    except (LookupError, ValueError):
        return octets.decode("latin-1")
