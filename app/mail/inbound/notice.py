"""A mail that came back, taken apart: what it says to a person, its fields for machines, and the mail that is returned.

Some servers send the parts of RFC 3462, some paste everything into one text, some do half of it. What is looked at is
bounded by ``parts``; nothing is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.mail.inbound import notification
from app.mail.inbound.parts import Fields, Part, decoded, read, walk
from app.mail.inbound.wishes import text_of_html

LONGEST = 65_536  # characters of what is said
_LINES = 5_000  # in which a pasted mail is looked for
_GROUPS = 200  # of fields; a report on more recipients is cut

_STATUS = ("message/delivery-status", "message/global-delivery-status")
_FEEDBACK = "message/feedback-report"
_RETURNED = (
    "message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers",
    "text/rfc822-headers", "text/rfc822-header", "text/rfc822",
)  # fmt: skip
_STATUS_LINE = re.compile(r"^(?:final|original)-recipient\s*:", re.I | re.M)
_FEEDBACK_LINE = re.compile(r"^feedback-type\s*:", re.I | re.M)
_HEADER = re.compile(r"^([>| \t]{0,8})([A-Za-z][A-Za-z0-9-]{1,40}):(?!//)")
_QUOTED = re.compile(r"^[>|]+ ?", re.M)
# A block of headers is a mail when a server's own header stands in it; a list of what was sent, set in, is none.
_TRACES = frozenset({"received", "return-path", "mime-version", "dkim-signature", "delivered-to", "x-mailer"})
_NAMES = frozenset({"from", "to", "subject", "date", "message-id"})


@dataclass(frozen=True)
class Notice:
    """``text`` is what was written for a person; ``status`` are the groups of fields of a delivery report (RFC 3464
    §2.1), ``feedback`` those of a feedback report (RFC 5965 §3); ``returned`` is the mail all this is about."""

    mail: Part
    text: str
    status: tuple[Fields, ...]
    feedback: Fields
    returned: Part | None


def take_apart(raw: bytes) -> Notice:
    """Take a mail apart, whatever it consists of."""
    mail = read(raw)
    parts = list(walk(mail)) or [mail]
    text, returned = _said(parts)
    text, pasted = _without_pasted(text)
    fields = [group for part in parts if part.kind in _STATUS for group in groups(decoded(part))]
    complaint = [group for part in parts if part.kind == _FEEDBACK for group in groups(decoded(part))]
    if not fields and _STATUS_LINE.search(text):
        fields = groups(text)
    fields = fields or notification.fields_of(text)
    if not complaint and _FEEDBACK_LINE.search(text):
        complaint = [group for group in groups(text) if "feedback-type" in group]
    return Notice(mail, text[:LONGEST], tuple(fields), complaint[0] if complaint else {}, returned or pasted)


def groups(text: str) -> list[Fields]:
    """Return the groups of fields that blank lines part; a group that has none is left out."""
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r", "")[:LONGEST], maxsplit=_GROUPS)[:_GROUPS]
    return [found for block in blocks if (found := read(block.strip("\n").encode() + b"\n\n").headers)]


def _said(parts: Iterable[Part]) -> tuple[str, Part | None]:
    """Return the text in front of the mail that is returned, and that mail."""
    plain: list[str] = []
    pages: list[str] = []
    for part in parts:
        if part.kind in _RETURNED:
            return _joined(plain, pages), read(decoded(part).lstrip().encode())
        if part.kind == "text/html":
            pages.append(text_of_html(decoded(part)))
        elif part.kind.startswith(("text/", "multipart/")):
            plain.append(decoded(part))
    return _joined(plain, pages), None


def _joined(plain: list[str], pages: list[str]) -> str:
    text = "\n\n".join(plain)
    return (text if text.strip() else "\n\n".join(pages)).replace("\r\n", "\n").replace("\r", "\n")


def _without_pasted(text: str) -> tuple[str, Part | None]:
    """Part a text from the mail that was pasted behind it."""
    lines = text.split("\n")
    start = _start_of_mail(lines[:_LINES])
    if start is None:
        return text, None
    pasted = _dedented(_QUOTED.sub("", "\n".join(lines[start:])))
    return "\n".join(lines[:start]), read(pasted.encode())


def _start_of_mail(lines: list[str]) -> int | None:
    """Return the line at which a mail's headers begin: lines in a row, of which enough belong to a mail."""
    names: list[str] = []
    start, indent = 0, ""
    for number, line in enumerate(lines):
        if named := _HEADER.match(line):
            if not names:
                start, indent = number, named[1]
            names.append(named[2].lower())
            if _is_mail(names, set_in=indent.isspace()):
                return start
        elif not (names and line[:1] in (" ", "\t", ">") and line.strip(" \t>")):
            names = []
    return None


def _is_mail(names: list[str], *, set_in: bool) -> bool:
    known = set(names)
    traces, usual = known & _TRACES, known & _NAMES
    if traces:
        return len(names) >= 3 and len(traces | usual) >= 2
    return not set_in and len(usual) >= 3 and "from" in usual


def _dedented(text: str) -> str:
    width = len(text) - len(text.lstrip(" \t"))
    return re.sub(rf"^[ \t]{{{width}}}", "", text, flags=re.M) if 0 < width < 20 else text
