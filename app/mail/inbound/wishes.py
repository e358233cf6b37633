"""Words with which people say by mail that they want no more, and finding the line that they wrote themselves."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

# As they are left by ``_plain``: lower case, without accents and punctuation.
_WISHES = frozenset({
    "stop", "stop it", "stop all", "stop mail", "stop mails", "stop email", "stop emails", "stop e mails", "stop pub",
    "unsubscribe", "unsubscribe me", "unsuscribe", "unsubcribe",
    "unsubscribe me from this list", "i want to unsubscribe",
    "opt out", "optout", "opt me out", "remove", "remove me", "remove me from this list", "remove me from your list",
    "take me off", "take me off this list", "take me off your list", "no more mails", "no more emails",
    "no more e mails",
    "desinscription", "desinscrire", "me desinscrire", "desinscrivez moi", "je me desinscris", "desincription",
    "demande de desinscription", "je souhaite me desinscrire", "je veux me desinscrire",
    "desabonnement", "desabonner", "me desabonner", "se desabonner", "desabonnez moi", "je me desabonne",
    "je souhaite me desabonner", "je veux me desabonner", "arret", "arreter", "arretez", "plus de mails",
    "retirez moi", "retirez moi de votre liste", "supprimez moi de votre liste", "ne plus recevoir",
})  # fmt: skip
_POLITE = re.compile(
    r"^(?:hello|hi|bonjour|please|pls|plz|s il vous plait|s il te plait|svp|stp|merci de|merci)\s+"
    r"|\s+(?:please|pls|plz|now|thanks|thank you|s il vous plait|s il te plait|svp|stp|merci|merci d avance)$"
)
_REPLY = re.compile(r"^\s*(?:re|aw|antw|sv|vs|tr|fw|fwd|rif|odp|ref)(?:\[\d+\])?\s*:", re.I)
# Where the mail that is answered begins.
_QUOTED = re.compile(
    r"^(?:>|-{2,}\s*(?:original message|message d.origine|message transf.r.)|_{10,}$"
    r"|(?:on|le|am|el|il)\b.{0,200}\b(?:wrote|a écrit|schrieb|escribi.|ha scritto)\s*:?$|(?:from|de|von)\s?:\s)",
    re.I,
)
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "hr", "table", "blockquote", "pre"})
_SILENT = frozenset({"style", "script", "title", "blockquote", "head"})
_LONGEST = 80


def says_stop(subject: str, text: str) -> bool:
    """Tell whether a mail's subject or the first line that its writer wrote says stop, and nothing else.

    The subject counts only where it is not that of the mail that is answered.
    """
    return (not _REPLY.match(subject) and _is_wish(subject)) or _is_wish(first_line(text))


def first_line(text: str) -> str:
    """Return the first line of a plain text that is not blank; blank when what is quoted comes first."""
    for line in text.splitlines()[:200]:
        clean = line.strip().strip("\ufeff\u200b").strip()
        if clean:
            return "" if _QUOTED.match(clean) else clean
    return ""


def text_of_html(page: str) -> str:
    """Return the text of HTML in lines, without what is quoted."""
    reader = _Reader()
    reader.feed(page)
    return "".join(reader.pieces)


def _is_wish(line: str) -> bool:
    if not line or len(line) > _LONGEST:
        return False
    plain = _plain(line)
    for _ in range(3):
        plain = _POLITE.sub("", plain)
    return plain in _WISHES


def _plain(line: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", line.casefold()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare).split())


class _Reader(HTMLParser):
    """Collects text; what answers quote stands in blockquote, or in what mail programs call their quotation."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = ""  # the element that is passed over, and how often it stands within itself
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            self._depth += tag == self._silent
            return
        named = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        if tag in _SILENT or re.search(r"gmail_quote|moz-cite|yahoo_quoted|divRplyFwdMsg|appendonsend", named):
            self._silent, self._depth = tag, 1
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            self._depth -= tag == self._silent
            if not self._depth:
                self._silent = ""
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(re.sub(r"\s+", " ", data))
