"""Who was not reached, and what the server said, out of what was written for a person to read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

MOST = 50  # addresses that are looked at

_LOCAL, _LABEL = r"[\w.+=#&'*/?^{}|~$%!-]{1,64}", r"[\w-]{1,63}"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.){{0,9}}{_LABEL}")
_REPLY_CODE = re.compile(
    r"(?<![\d.\w/-])([245][0-5]\d)(?=[ \-:;,)>\]]|$)(?!\s*(?:bytes|[km]b|hours?|days?|minutes?))", re.M
)
_ENHANCED = re.compile(r"(?<![\d.\w-])([245]\.\d{1,2}\.\d{1,3})(?![\d\w]|\.\d)")
_REPLY_LINES = re.compile(
    r"^.*(?:<<<|said:|reason:|responded|\b[45]\d\d[ -]|[45]\.\d\.\d).*(?:\n(?![ \t>]*$).*){0,3}", re.M | re.I
)

_MARKUP = re.compile(r"<?\[?mailto:[^\s>\]]{1,320}[>\]]?", re.I)
_X400 = re.compile(r"^(?:smtp|rfc822|dda)[=:;]", re.I)
# Lines that repeat the headers of what was sent: they name who it was for, reached or not.
_ABOUT = re.compile(r"^[ \t]*(?:to|cc|from|sender|subject|sent|date|message-id|an|von|à|de)[ \t]*:.*$", re.I | re.M)
_ROLES = re.compile(
    r"(?:mailer-daemon|postmaster|abuse|no-?reply|do-?not-?reply|help-?desk|support|webmaster|hostmaster|administrator)@",
    re.I,
)
# What stands around the address of somebody who was not reached; the surest first.
_ALONE = (
    r"^[ \t>|*\-•·(\"']*(?:\d{{3}}[ -])?(?:rfc822;|smtp;)?[ ]?<?{address}[>\"')]*[ \t]*"
    r"(?:[:;,.…]+(?:[ \t].*)?|[(\[].*|[ \t]{{2,}}.*|->.*|on [A-Z].*)?$|RCPT TO:[ \t]*<?{address}"
)
_NAMED = (
    r"(?:recipients?|rcpt|addressee|address(?:es)?|mailbox|users?|accounts?|smtp"
    r"|(?:deliver(?:ed|y)?|sent|message|mail) (?:to|for)|destinataires?|empf.nger|destinatario|宛先|получател\w+)"
    r"[^\n@<]{{0,30}}[ \t:;<\"'(\[=]{{1,4}}{address}"
)
_BARE = re.compile(
    r"(?:recipients?|following|address(?:es)?)\b[^\n]{0,120}:[ \t]*\n[ \t\n]{1,8}"
    r"([A-Za-z0-9][\w.+-]{1,63})[ \t]*(?:$|\(|[ \t]{2})",
    re.M,
)


def addresses(text: str) -> list[str]:
    """Return the addresses in a text, in their order, each once whatever its case."""
    return unique(_X400.sub("", found) for found in _ADDRESS.findall(text))[:MOST]


def in_field(value: str) -> list[str]:
    """Return the addresses in a field that holds nothing else, such as no server would have taken among them."""
    return unique(each.strip("<>\"'()[],;") for each in value.split() if "@" in each.lstrip("<")[1:])[:MOST]


def unreached(text: str, senders: Collection[str], domain: str) -> list[str]:
    """Return whom a notice says was not reached.

    ``senders`` (lower case) are the addresses that the mail came from, which the notice names too. ``domain`` completes
    names that stand there bare: servers that write so speak of their own users.
    """
    text = _MARKUP.sub("", text)
    body = _ABOUT.sub("", text)
    everybody = [each for each in addresses(body) if not _ROLES.match(each)]
    others = [each for each in everybody if each.lower() not in senders]
    for frame, whom in ((_ALONE, others), (_ALONE, everybody), (_NAMED, others)):
        if sure := [each for each in whom if re.search(frame.format(address=re.escape(each)), body, re.M | re.I)]:
            return sure
    bare = _BARE.search(body)
    if bare and domain:
        return [f"{bare[1]}@{domain}"]
    return others or [each for each in addresses(text) if each.lower() not in senders and not _ROLES.match(each)]


def about(text: str, address: str, everybody: list[str]) -> str:
    """Return what a text says of one of ``everybody``: from where it is named to where another is."""
    if len(everybody) < 2:
        return text
    if own := re.findall(rf"^\d{{3}}[ -]<?{re.escape(address)}>?\.\.\. .*", text, re.M | re.I):
        return "\n".join(own)  # sendmail's transcript: a line for each
    low = text.lower()
    places = sorted((found.start(), each) for each in everybody for found in re.finditer(re.escape(each.lower()), low))
    ends = [*(place for place, _ in places[1:]), len(text)][: len(places)]
    return "\n".join(text[place:end] for (place, each), end in zip(places, ends, strict=True) if each == address)


def replies(text: str) -> str:
    """Return the lines in which a text quotes a server, blank where it quotes none."""
    return "\n".join(_REPLY_LINES.findall(text))


def enhanced_code(text: str) -> str:
    """Return the enhanced code (RFC 3463) that says most, blank where none is quoted; x.0.0 says nothing."""
    found: list[str] = _ENHANCED.findall(text)
    telling = [each for each in found if each[0] in "45" and each[1:] != ".0.0"]
    return next((each for each in telling if not each.endswith(".0")), (telling or found or [""])[0])


def reply_code(text: str) -> int | None:
    """Return the first reply code of a failure (RFC 5321 §4.2) that a text quotes."""
    return next((int(each) for each in _REPLY_CODE.findall(text) if each[0] in "45"), None)


def unique(found: Iterable[str]) -> list[str]:
    known: dict[str, str] = {}
    for each in found:
        clean = each.strip(".'").removeprefix("=")
        known.setdefault(clean.lower(), clean)
    return list(known.values())
