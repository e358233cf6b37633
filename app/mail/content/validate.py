"""Check a design before it is compiled, so that every mistake is named with its line and column."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NoReturn

from app.mail.content import elements
from app.mail.content.links import check_image, check_link, is_relative
from app.mail.content.tags import mask, unmask
from app.mail.errors import DesignError
from app.mail.merge import Fields, variables

_CONTROL = re.compile(r"\{%.*?%\}", re.S)
_REMOTE_CSS = re.compile(r"@import\b[^;]*;?|@font-face\s*\{[^}]*\}", re.I)
_LENGTH = r"(?:-?(?:\d+\.?\d*|\.\d+)(?:px|%|em|rem|vw|pt)?|auto|inherit|initial|normal)"
_MEASURE = re.compile(rf"\s*(?:{_LENGTH}(?:\s+{_LENGTH}){{0,3}})?\s*")
_URL_ATTRIBUTES = frozenset({"src", "background-url", "thumbnails-src", "icon-wrapped-url", "icon-unwrapped-url"})
_SAFE_MERGE_ATTRIBUTES = frozenset({"alt", "title", "href", "aria-label"})


def validate(source: str, fields: Fields, bake: Callable[[str], str]) -> list[str]:
    """Raise DesignError at the first mistake; return warnings.

    ``source`` has been through ``tags.plain``; ``bake`` puts the campaign's constants in an address.
    """
    walker = _Walker(fields, bake)
    walker.feed(mask(source))
    walker.close()
    walker.finish()
    return walker.warnings


@dataclass(slots=True)
class _Open:
    name: str
    line: int
    column: int
    html: list[tuple[str, int, int]] = field(default_factory=list)


class _Walker(HTMLParser):
    """Walks the source the way the compiler will (html.parser), with a strict eye on the mj- elements."""

    def __init__(self, fields: Fields, bake: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.fields, self.bake = fields, bake
        self.stack: list[_Open] = []
        self.warnings: list[str] = []
        self.seen_body = self.seen_root = False

    # Where we are.
    def fail(self, problem: str, place: tuple[int, int] | None = None) -> NoReturn:
        line, column = place or (self.getpos()[0], self.getpos()[1] + 1)
        raise DesignError(problem, line=line, column=column)

    def warn(self, text: str) -> None:
        line = self.getpos()[0]
        self.warnings.append(f"Line {line}: {text}")

    @property
    def parent(self) -> str:
        return self.stack[-1].name if self.stack else ""

    # Elements.
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.parent in elements.CONTENT:
            self._html_start(tag, attrs)
        else:
            self._mj_start(tag, attrs)
            self.stack.append(_Open(tag, self.getpos()[0], self.getpos()[1] + 1))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.parent in elements.CONTENT:
            self._html_start(tag, attrs, closed=True)
        else:
            self._mj_start(tag, attrs)

    def _mj_start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "mj-include":
            self.fail("mj-include would read a file of the server and is not allowed: paste the content here.")
        known = elements.attributes()
        if tag not in known:
            if not tag.startswith("mj"):
                self.fail(f"<{tag}> cannot stand in <{self.parent}>: put HTML inside <mj-text> or <mj-raw>.")
            self.fail(f"<{tag}> is not an MJML element{_guess(tag, known)}.")
        allowed = elements.CHILDREN.get(self.parent)
        if self.parent == "mj-attributes":
            allowed = None
        elif allowed is None:
            self.fail(f"<{self.parent}> cannot hold other elements.")
        if allowed is not None and tag not in allowed:
            options = ", ".join(f"<{name}>" for name in sorted(allowed))
            inside = f"in <{self.parent}>" if self.parent else "at the top"
            self.fail(f"<{tag}> cannot stand {inside}; allowed there: {options}.")
        self.seen_root = True
        self.seen_body = self.seen_body or tag == "mj-body"
        self._mj_attributes(tag, attrs, known[tag])

    def _mj_attributes(self, tag: str, attrs: list[tuple[str, str | None]], allowed: frozenset[str]) -> None:
        seen: set[str] = set()
        for name, value in attrs:
            if name in seen:
                self.fail(f"<{tag}> has the attribute “{name}” twice: remove one.")
            seen.add(name)
            if value is None:
                self.fail(f'<{tag}>: write the attribute “{name}” as {name}="…".')
            if name not in allowed:
                self.fail(f"<{tag}> has no attribute “{name}”{_guess(name, allowed)}.")
            value = unmask(value)
            self._merge_attribute(tag, name, value)
            self._measure(tag, name, value)
            if name == "href" and tag != "mj-font" and self.parent != "mj-attributes":
                self._link(value)
            elif name in _URL_ATTRIBUTES:
                self._image(value)
        if tag == "mj-image" and self.parent != "mj-attributes":
            if "src" not in seen:
                self.fail("<mj-image> has no src: give it the address of an image.")
            if "alt" not in seen:
                self.warn("the image has no alt text; readers who see no images learn nothing from it.")
        if tag == "mj-font":
            self.warn("the remote font is left out: loading it would tell a third party who reads the mail.")

    def _measure(self, tag: str, name: str, value: str) -> None:
        if name in elements.measures().get(tag, ()) and "{{" not in value and not _MEASURE.fullmatch(value):
            self.fail(f"<{tag}>: “{name}” must be a length such as 20px or 50%, not “{value[:40]}”.")

    def _merge_attribute(self, tag: str, name: str, value: str) -> None:
        if _CONTROL.search(value):
            self.fail(f"<{tag}>: a condition cannot stand inside the attribute “{name}”; put it around the element.")
        if name in _SAFE_MERGE_ATTRIBUTES or "{{" not in value:
            return
        if not all(field_.startswith(("brand.", "campaign.")) for field_ in variables(value)):
            self.fail(
                f"<{tag}>: a person's data cannot stand in “{name}”; only alt, title and an href's query may hold it."
            )

    def _html_start(self, tag: str, attrs: list[tuple[str, str | None]], *, closed: bool = False) -> None:
        if self.parent not in elements.HTML_CONTENT:
            self.fail(f"<{self.parent}> holds plain text only, no <{tag}>.")
        if tag.startswith("mj-"):
            open_ = self.stack[-1]
            self.fail(
                f"<{tag}> cannot stand in <{open_.name}>, opened on line {open_.line}: is </{open_.name}> missing?"
            )
        if tag in elements.FORBIDDEN_HTML:
            self.fail(f"<{tag}> is not allowed in a mail: mail programs remove or block it.")
        for name, value in attrs:
            if name.startswith("on"):
                self.fail(f"The attribute “{name}” runs script, which mail programs remove: leave it out.")
            text = unmask(value or "")
            self._merge_attribute(tag, name, text)
            if tag in ("a", "area") and name == "href":
                self._link(text)
            elif name in ("src", "background", "poster"):
                self._image(text)
        if tag == "link":
            self.warn("the linked stylesheet is left out: loading it would tell a third party who reads the mail.")
        if tag not in elements.VOID and not closed:
            self.stack[-1].html.append((tag, self.getpos()[0], self.getpos()[1] + 1))

    def handle_endtag(self, tag: str) -> None:
        if self.parent in elements.CONTENT and tag != self.parent:
            self._html_end(tag)
            return
        if not self.stack:
            self.fail(f"</{tag}> closes nothing.")
        open_ = self.stack[-1]
        if tag != open_.name:
            self.fail(f"</{tag}> found, but <{open_.name}> from line {open_.line} is still open: close it first.")
        self._check_html_closed(open_)
        self.stack.pop()

    def _html_end(self, tag: str) -> None:
        opened = self.stack[-1].html
        if tag in elements.VOID:
            return
        if tag.startswith("mj-") or tag == "mjml":
            open_ = self.stack[-1]
            self.fail(f"</{tag}> found, but <{open_.name}> from line {open_.line} is still open: close it first.")
        while opened and opened[-1][0] != tag and opened[-1][0] in elements.CLOSES_ITSELF:
            opened.pop()
        if not opened or opened[-1][0] != tag:
            hint = f"; <{opened[-1][0]}> from line {opened[-1][1]} is still open" if opened else ""
            self.fail(f"</{tag}> closes nothing here{hint}.")
        opened.pop()

    def _check_html_closed(self, open_: _Open) -> None:
        for tag, line, column in reversed(open_.html):
            if tag not in elements.CLOSES_ITSELF:
                self.fail(f"<{tag}> is never closed: add </{tag}>.", (line, column))

    # Text.
    def handle_data(self, data: str) -> None:
        if self.parent in elements.CONTENT:
            if self.parent == "mj-style" and _REMOTE_CSS.search(data):
                self.warn(
                    "@import and @font-face are left out: loading them would tell a third party who reads the mail."
                )
            return
        rest = _CONTROL.sub("", data)
        if rest != data and self.parent not in elements.CONDITIONS_IN:
            self.fail(f"A condition cannot stand directly in <{self.parent or 'nothing'}>.", self._place_of(data, "{%"))
        if word := rest.strip():
            first = word.split()[0][:30]
            self.fail(f"The text “{first}” cannot stand here: put it inside <mj-text>.", self._place_of(data, word[:1]))

    def _place_of(self, data: str, needle: str) -> tuple[int, int]:
        line, column = self.getpos()
        before = data[: max(data.find(needle), 0)]
        newlines = before.count("\n")
        return line + newlines, (len(before) - before.rfind("\n")) if newlines else column + 1 + len(before)

    def unknown_decl(self, data: str) -> None:
        self.fail(f"“<![{data[:20]}” is not allowed: write the text itself, with &lt; for <.")

    def _link(self, url: str) -> None:
        url = self.bake(url)
        if problem := check_link(url, self.fields):
            self.fail(problem)
        if is_relative(url) and not url.startswith("#"):
            self.warn(f"the link “{url[:60]}” is relative and leads nowhere in a mail: write https://….")
        if url.startswith("http://"):
            self.warn(f"the link {url[:60]} is not encrypted: prefer https.")

    def _image(self, url: str) -> None:
        if problem := check_image(self.bake(url)):
            self.fail(problem)

    def finish(self) -> None:
        """Check what can only be known at the end."""
        if not self.seen_root:
            self.fail("This is not MJML: a design starts with <mjml>.", (1, 1))
        if self.stack:
            open_ = self.stack[-1]
            self._check_html_closed(open_)
            self.fail(f"<{open_.name}> is never closed: add </{open_.name}>.", (open_.line, open_.column))
        if self.rawdata.strip():
            self.fail("The design ends inside a tag: add the missing >.")
        if not self.seen_body:
            self.fail("The design has no <mj-body>.", (1, 1))


def _guess(name: str, known: frozenset[str] | dict[str, frozenset[str]]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"; did you mean “{close[0]}”?"
    return f"; known: {', '.join(sorted(known))[:300]}" if known else ""
