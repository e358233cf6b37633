"""Where somebody came from to a form, and where a form may lead: words and sites, cleaned."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

LONGEST = 60
OTHER = "other"  # what stands for the sources of a day beyond those that are counted apart
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]+(\.[a-z0-9_-]+)*")


def clean(text: str) -> str:
    """Return what ``?source=`` named, without anything but letters, digits, blanks and ``._-/``; 60 at most."""
    plain = unicodedata.normalize("NFKC", text[:200])
    return " ".join(re.sub(r"[^\w ./-]", " ", plain).split())[:LONGEST]


def host(referer: str, own: str = "") -> str:
    """Return the host of a ``Referer``, lower case and without ``www.``; nothing for our own or for nonsense.

    No path: that another site's page was open says enough, and paths may hold what is personal.
    """
    try:
        named = (urlsplit(referer[:2000]).hostname or "").lower()
    except ValueError:
        return ""
    plain = named.removeprefix("www.")
    return plain if _HOST.fullmatch(plain) and named != own.lower() else ""


def label(source: str, referrer: str) -> str:
    """Return by what a sign-up is counted: the word, else the site, else nothing, which means directly."""
    return source or referrer[:LONGEST]


def is_page(url: str) -> bool:
    """Tell whether ``url`` is the plain address of a web page: http or https, a host, nothing that browsers read in
    another way than we do (user names, backslashes, blanks, control characters)."""
    if len(url) > 2000 or not url.isprintable() or re.search(r"[\s\\<>\"']", url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    name = (parts.hostname or "").lower()
    return parts.scheme in ("http", "https") and "@" not in parts.netloc and bool(_HOST.fullmatch(name))
