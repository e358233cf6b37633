"""The plain-text part, made by walking the MJML tree (a layout table as text is unreadable, so not from the HTML)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bs4 import BeautifulSoup, Tag
from bs4.element import Comment, NavigableString, PageElement

from app.mail.content.tags import OPEN

_SPACE = re.compile(r"[ \t\n\f\r]+")
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "header",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ]
)
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_RULE = "-" * 40
_CONTENT = frozenset({"mj-text", "mj-table", "mj-raw", "mj-accordion-title", "mj-accordion-text"})
_LABELS = frozenset({"mj-button", "mj-social-element", "mj-navbar-link"})

Address = Callable[[str], str]


def plain_text(soup: BeautifulSoup, address: Address) -> str:
    """Return the text part of a parsed design. ``address`` turns an href into what the text shows for it."""
    body = soup.find("mj-body")
    parts = list(_walk(body, address)) if isinstance(body, Tag) else []
    text = re.sub(r"\n{3,}", "\n\n", "".join(parts))
    lines = (line.rstrip() for line in text.strip("\n").split("\n"))
    return "\n".join(lines) + "\n"


def _walk(element: Tag, address: Address) -> Iterator[str]:
    """Yield blocks, each with its blank line; a condition stands directly before the block it governs."""
    for child in element.children:
        if isinstance(child, Comment):
            if child.startswith(OPEN):
                yield str(child)
        elif isinstance(child, Tag):
            yield from _element(child, address)
        elif OPEN in str(child):
            yield str(child).strip()


def _element(element: Tag, address: Address) -> Iterator[str]:
    if element.name in _CONTENT:
        yield _block(_Html(address).text(element))
    elif element.name in _LABELS:
        label = _Html(lambda _: "").text(element).strip()
        yield _block(_linked(label, _attribute(element, "href"), address))
    elif element.name in ("mj-image", "mj-carousel-image"):
        yield _block(_linked(_attribute(element, "alt"), _attribute(element, "href"), address))
    elif element.name == "mj-divider":
        yield _block(_RULE)
    else:
        yield from _walk(element, address)


def _attribute(element: Tag, name: str) -> str:
    return str(element.get(name) or "").strip()


def _block(text: str) -> str:
    text = text.strip()
    return f"{text}\n\n" if text else ""


def _linked(label: str, href: str, address: Address) -> str:
    if not href or href.startswith("#"):
        return label
    shown = address(href)
    if not label or label in (href, shown, href.removeprefix("mailto:").removeprefix("tel:")):
        return label if label and label != href else shown
    return f"{label} ({shown})" if shown else label


class _Html:
    """Turns the HTML inside one element into text."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.out: list[str] = []

    def text(self, element: Tag) -> str:
        self._children(element)
        text = "".join(self.out)
        text = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
        return re.sub(r"\n{3,}", "\n\n", text).replace("\xa0", " ").strip()

    def _children(self, element: Tag) -> None:
        for child in element.children:
            self._node(child)

    def _node(self, node: PageElement) -> None:
        if isinstance(node, Comment):
            if node.startswith(OPEN):
                self.out.append(str(node))
        elif isinstance(node, NavigableString):
            self.out.append(_SPACE.sub(" ", str(node)))
        elif isinstance(node, Tag):
            self._tag(node)

    def _tag(self, tag: Tag) -> None:
        name = tag.name
        if name in ("style", "title", "head"):
            return
        if name == "br":
            self.out.append("\n")
        elif name == "hr":
            self.out.append(f"\n\n{_RULE}\n\n")
        elif name == "img":
            self.out.append(_attribute(tag, "alt"))
        elif name == "a":
            label = _Html(self.address).text(tag)
            self.out.append(_linked(label, _attribute(tag, "href"), self.address))
        elif name == "li":
            self._item(tag)
        elif name == "tr":
            self._row(tag)
        elif name in _BLOCKS or name in _HEADINGS:
            self.out.append("\n\n")
            self._children(tag)
            self.out.append("\n\n")
        else:
            self._children(tag)

    def _item(self, tag: Tag) -> None:
        parent = tag.parent
        mark = "- "
        if parent is not None and parent.name == "ol":
            mark = f"{parent.find_all('li', recursive=False).index(tag) + 1}. "
        inner = _Html(self.address).text(tag).replace("\n\n", "\n").replace("\n", "\n  ")
        self.out.append(f"\n{mark}{inner}")

    def _row(self, tag: Tag) -> None:
        cells = [_Html(self.address).text(cell) for cell in tag.find_all(["td", "th"], recursive=False)]
        line = " | ".join(cell.replace("\n", " ") for cell in cells if cell)
        self.out.append(f"\n{line}" if line else "")
