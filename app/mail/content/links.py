"""Links: which may stand in a design, their numbers, and their destinations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from app.mail.content import tags
from app.mail.merge import Fields

_WHOLE_FIELD = re.compile(r"\s*\{\{-?\s*([\w.]+)\s*-?\}\}\s*")
_UNTOUCHED = ("mailto:", "tel:", "sms:", "#")


@dataclass(frozen=True, slots=True)
class Link:
    """A numbered link. ``url`` is as written, merge tags included; ``label`` is its text, ``category`` what its
    ``name`` says it leads to (``<a name="wine" …>``), by which segments ask for clicks.

    ``pieces`` is the destination split at its merge slots; personal values travel in the click URL's own query
    (``?v=…``), so that the destination's host and path are fixed and there is no open redirect.
    """

    number: int
    url: str
    label: str = ""
    pieces: tuple[str, ...] = field(default=())
    category: str = ""

    def destination(self, values: Sequence[str] = ()) -> str:
        """Return the address to redirect to; missing values are empty, superfluous ones ignored."""
        parts = [self.pieces[0]]
        for index, piece in enumerate(self.pieces[1:]):
            parts += [quote(values[index], safe="") if index < len(values) else "", piece]
        return "".join(parts)

    def to_json(self) -> dict[str, object]:
        """Return plain data for a database column."""
        plain = {"number": self.number, "url": self.url, "label": self.label, "pieces": list(self.pieces)}
        return {**plain, "category": self.category} if self.category else plain

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Link:
        """Undo ``to_json``."""
        pieces = data["pieces"]
        assert isinstance(pieces, list)
        return cls(
            int(str(data["number"])),
            str(data["url"]),
            str(data["label"]),
            tuple(str(p) for p in pieces),
            str(data.get("category", "")),
        )


def special(url: str, fields: Fields) -> str | None:
    """Return the field when ``url`` is nothing but one of the URL fields (``{{ unsubscribe_url }}``)."""
    match = _WHOLE_FIELD.fullmatch(url)
    return match.group(1) if match and match.group(1) in fields.urls else None


def is_numbered(url: str, fields: Fields) -> bool:
    """Tell whether clicks on ``url`` are counted: web links are; mailto, tel, anchors and our own pages are not."""
    if special(url, fields) is not None or is_relative(url):
        return False
    return not url.strip().lower().startswith(_UNTOUCHED)


def is_relative(url: str) -> bool:
    """Tell whether ``url`` has neither scheme nor merge tag: allowed with a warning, as it leads nowhere in a mail."""
    return not tags.has_tag(url) and re.match(r"[A-Za-z][\w+.-]*:|//", url.strip()) is None


def check_link(url: str, fields: Fields) -> str:
    """Return what is wrong with a link's address, or an empty string."""
    address = url.strip()
    if special(address, fields):
        return ""
    if not address:
        return "The link has no address: fill its href."
    if address.lower().startswith(_UNTOUCHED):
        return ""
    static = tags.split(address)
    if not static[0].lower().startswith(("http://", "https://")):
        if is_relative(address):
            return ""
        return (
            f"The link “{address[:60]}” must start with https:// (or mailto:, tel:, or be a field such as "
            "unsubscribe_url)."
        )
    if len(static) > 1 and "?" not in static[0]:
        return "A merge tag in a link may stand only in its query, after the “?”."
    if not _host(static[0]) or " " in static[0]:
        return f"The link “{address[:60]}” is not a complete address."
    return ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def check_image(url: str) -> str:
    """Return what is wrong with an image's address, or an empty string."""
    address = url.strip()
    if tags.has_tag(address):
        return "A merge tag in an image's address would show a server who reads the mail: use a fixed address."
    scheme = address.partition(":")[0].lower() if ":" in address else ""
    if scheme and scheme not in ("http", "https", "cid", "data"):
        return f"The image's address “{address[:60]}” must start with https://."
    if scheme == "data" and not address.lower().startswith("data:image/"):
        return "Only images may stand in a data: address."
    return ""


def liquid(url: str) -> str:
    """Return ``url`` with every merge tag percent-encoded on output, as a query needs it."""
    return "".join(piece if index % 2 == 0 else encoded_tag(piece) for index, piece in enumerate(tags.split(url)))


def encoded_tag(tag: str) -> str:
    """Return ``{{ x }}`` as ``{{ x | url_encode }}``."""
    return "{{ " + tag.strip("{}").strip("-").strip() + " | url_encode }}"


def with_utm(url: str, utm: Mapping[str, str]) -> str:
    """Add campaign parameters to a web link where it does not have them itself."""
    address, hash_, fragment = url.partition("#")
    query = tags.split(address)[0].partition("?")[2]
    present = {name for name, _ in parse_qsl(query, keep_blank_values=True)} if query else set()
    extra = "&".join(f"{quote(k)}={quote(v)}" for k, v in utm.items() if k not in present)
    if not extra:
        return url
    joiner = "&" if "?" in address else "?"
    return f"{address}{joiner}{extra}{hash_}{fragment}"
