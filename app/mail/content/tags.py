"""Keep merge tags whole while a design is parsed, compiled and inlined.

Parsers turn ``<`` inside a tag into ``&lt;`` and move text out of tables, so tags leave before and come back after:
``{{ … }}`` as a private-use token, ``{% … %}`` that stands between elements as a comment (a token there would be
text where no text may be).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

OPEN, CLOSE = "\ue000", "\ue001"
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
_BETWEEN = re.compile(r"(?<=>)(\s*(?:\{%(?:(?!%\}).)*%\}\s*)+)(?=<)", re.S)
_TOKEN = re.compile(f"(?:<!--{OPEN}|{OPEN})(\\d+)(?:{CLOSE}-->|{CLOSE})")
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_PRIVATE = re.compile("[\ue000-\ue00f]")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A text whose merge tags are tokens, and the tags."""

    text: str
    tags: tuple[str, ...]

    def restore(self, text: str) -> str:
        """Put the tags back into ``text``, which was made from ``self.text``."""
        return _TOKEN.sub(lambda m: self.tags[int(m.group(1))], text)


def plain(source: str) -> str:
    """Return ``source`` without the characters that tokens are made of, with unix line ends."""
    text = _PRIVATE.sub("", source).replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    # The declaration is harmless but no element; blanks keep every position.
    return _XML_DECLARATION.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def unescape_tags(source: str) -> str:
    """Undo ``&gt;`` and friends inside merge tags (editors write them), keeping every character's position."""

    def undo(match: re.Match[str]) -> str:
        tag = match.group()
        text = html.unescape(tag)
        if len(text) == len(tag):
            return tag
        closing = text[-2:]
        return text[:-2].ljust(len(tag) - 2) + closing

    return _TAG.sub(undo, source)


_MASK = str.maketrans({'"': "\ue005", "'": "\ue006", "<": "\ue007", ">": "\ue008", "&": "\ue009"})
_UNMASK = {new: chr(old) for old, new in ((k, ord(v)) for k, v in _MASK.items())}


def mask(source: str) -> str:
    """Hide the quotes and angle brackets inside merge tags from a parser, keeping every character's position."""
    return _TAG.sub(lambda m: m.group().translate(_MASK), source)


def unmask(text: str) -> str:
    """Undo ``mask``."""
    return text.translate(_UNMASK)


def guard(source: str) -> Guarded:
    """Replace every merge tag by a token."""
    found: list[str] = []

    def token(match: re.Match[str]) -> str:
        found.append(match.group())
        return f"{OPEN}{len(found) - 1}{CLOSE}"

    def between(match: re.Match[str]) -> str:
        return _TAG.sub(lambda m: f"<!--{token(m)}-->", match.group())

    # One pass over the text in order: a run between elements first, else the next tag.
    text = re.sub(
        f"{_BETWEEN.pattern}|(?:{_TAG.pattern})",
        lambda m: between(m) if m.group(1) else token(m),
        source,
        flags=re.S,
    )
    return Guarded(text, tuple(found))


def has_tag(text: str) -> bool:
    """Tell whether ``text`` holds a merge tag."""
    return _TAG.search(text) is not None


def split(text: str) -> list[str]:
    """Split ``text`` at its merge tags: static, tag, static, tag, …, static."""
    pieces: list[str] = []
    end = 0
    for match in _TAG.finditer(text):
        pieces += [text[end : match.start()], match.group()]
        end = match.end()
    return [*pieces, text[end:]]


def escape_static(text: str, *, quote: bool = True) -> str:
    """Escape what stands between the merge tags of ``text`` for HTML; tags escape their own output."""
    return "".join(
        html.escape(piece, quote=quote) if index % 2 == 0 else piece for index, piece in enumerate(split(text))
    )
