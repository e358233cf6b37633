"""Compile a design: MJML with merge tags in, HTML, text and numbered links out."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.mail import merge
from app.mail.content import links as links_
from app.mail.content import markup, tags
from app.mail.content.links import Link
from app.mail.content.text import plain_text
from app.mail.content.validate import validate
from app.mail.errors import DesignError
from app.mail.merge import Fields, Value

_ANCHOR = re.compile(r"<a\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.I)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
_NAME = re.compile(r"\sname\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
_MAX_CATEGORY = 60
_PLACE_OPEN, _PLACE_CLOSE = "\ue002", "\ue003"
_PLACEHOLDER = re.compile(f"{_PLACE_OPEN}(\\d+){_PLACE_CLOSE}")
_CLIPPED_AT = 102_000  # Gmail cuts a longer HTML part and hides the footer with it
_MAX_SOURCE = 2_000_000
_MAX_TAGS, _MAX_TAG = 5_000, 2_000
_OPENING = re.compile(r"\{\{|\{%")

LinkText = Callable[[Link], str]


@dataclass(frozen=True, slots=True)
class Design:
    """A compiled design. ``html`` and ``text`` still hold their merge tags.

    ``html_template`` and ``text_template`` hold placeholders where numbered links stand; ``with_links`` fills them.
    """

    html: str
    text: str
    links: tuple[Link, ...]
    warnings: tuple[str, ...]
    fields: frozenset[str]
    html_template: str
    text_template: str

    @property
    def has_unsubscribe(self) -> bool:
        """Tell whether a visible unsubscribe or preferences link stands in both parts."""
        return all("unsubscribe_url" in part or "preferences_url" in part for part in (self.html, self.text))

    @property
    def has_postal_address(self) -> bool:
        """Tell whether the postal address is in the design (the text part is made of the same)."""
        return "postal_address" in self.fields

    def with_links(self, html_link: LinkText, text_link: LinkText) -> tuple[str, str]:
        """Return HTML and text with every numbered link written by the given functions (Liquid allowed)."""
        return (
            _PLACEHOLDER.sub(lambda m: html_link(self.links[int(m.group(1))]), self.html_template),
            _PLACEHOLDER.sub(lambda m: text_link(self.links[int(m.group(1))]), self.text_template),
        )


def compile_design(
    mjml: str,
    *,
    fields: Fields | None = None,
    constants: Mapping[str, Value] | None = None,
    preheader: str = "",
    language: str = "en",
    utm: Mapping[str, str] | None = None,
    icons_url: str = "",
) -> Design:
    """Compile MJML. ``constants`` (brand.*, campaign.name …) are put in before compiling, so they may stand anywhere.

    Raises DesignError with line and column for broken MJML, unknown elements and attributes, includes, unknown merge
    fields and bad Liquid.
    """
    fields = fields or Fields.any()
    plain = tags.plain(mjml)
    _check_size(plain)
    source = tags.unescape_tags(plain)
    bake = _baker(constants or {})
    used = merge.check(source, fields) | merge.check(preheader, fields)
    warnings = validate(source, fields, bake)
    preview = tags.escape_static(_baker(constants or {}, merge.Escape.TEXT)(tags.unescape_tags(preheader)), quote=False)
    guarded = tags.guard(bake(source) + _PREHEADER_MARK + preview)
    body, _, guarded_preheader = guarded.text.partition(_PREHEADER_MARK)

    soup = markup.tree(body)
    markup.prepare(soup, preheader=html.unescape(guarded_preheader), language=language)
    numberer = _Numberer(guarded, fields, utm or {})
    text_soup = markup.tree(str(soup))
    html_template = guarded.restore(numberer.html(markup.to_html(soup, icons_url=icons_url)))
    text_template = guarded.restore(plain_text(text_soup, numberer.text_address))
    merge.parse(html_template)
    merge.parse(text_template)
    return _design(html_template, text_template, numberer.links, warnings, used)


_PREHEADER_MARK = "\ue004"


def _check_size(mjml: str) -> None:
    """Raise DesignError for what would keep us busy: too much of it, or tags whose ends are looked for in vain."""
    if len(mjml) > _MAX_SOURCE:
        raise DesignError(
            f"The design has {len(mjml):,} characters; {_MAX_SOURCE:,} are allowed. Remove embedded images."
        )
    number = at = 0
    while opening := _OPENING.search(mjml, at):
        number, start = number + 1, opening.end()
        end = mjml.find("}}" if opening.group() == "{{" else "%}", start, start + _MAX_TAG)
        at = end + 2 if end >= 0 else len(mjml)
        if number > _MAX_TAGS or (end < 0 and start + _MAX_TAG < len(mjml)):
            line, column = merge.place(mjml, opening.start())
            problem = (
                "This merge tag is never closed." if end < 0 else f"More than {_MAX_TAGS:,} merge tags are too many."
            )
            raise DesignError(problem, line=line, column=column)


def _design(
    html_template: str, text_template: str, found: list[Link], warnings: list[str], used: frozenset[str]
) -> Design:
    design = Design("", "", tuple(found), (), used, html_template, text_template)
    html_, text = design.with_links(lambda link: tags.escape_static(link.url), lambda link: link.url)
    if "unsubscribe_url" not in html_ and "preferences_url" not in html_:
        warnings.append('There is no unsubscribe link: add one with href="{{ unsubscribe_url }}".')
    if "postal_address" not in used:
        warnings.append("There is no postal address: add {{ postal_address }}.")
    if len(html_) > _CLIPPED_AT:
        warnings.append(f"The HTML has {len(html_) // 1000} KB; Gmail cuts a mail at 102 KB and hides its footer.")
    return Design(html_, text, tuple(found), tuple(warnings), used, html_template, text_template)


def _baker(constants: Mapping[str, Value], escape: merge.Escape = merge.Escape.HTML) -> Callable[[str], str]:
    """Return a function that replaces merge tags which name only constants by their values."""

    def bake(text: str) -> str:
        pieces = tags.split(text)
        for index in range(1, len(pieces), 2):
            tag = pieces[index]
            if tag.startswith("{{") and (named := merge.variables(tag)) and named <= constants.keys():
                pieces[index] = merge.render(tag, constants, escape)
        return "".join(pieces)

    return bake if constants else lambda text: text


class _Numberer:
    """Finds the links of the compiled HTML in order and gives them their numbers."""

    def __init__(self, guarded: tags.Guarded, fields: Fields, utm: Mapping[str, str]) -> None:
        self.guarded, self.fields, self.utm = guarded, fields, utm
        self.links: list[Link] = []
        self.first: dict[str, int] = {}

    def html(self, compiled: str) -> str:
        """Return ``compiled`` with a placeholder in each numbered href."""
        out: list[str] = []
        end = 0
        for anchor in _ANCHOR.finditer(compiled):
            href = _HREF.search(anchor.group())
            if href is None:
                continue
            raw = href.group(1) if href.group(1) is not None else href.group(2)
            group = 1 if href.group(1) is not None else 2
            start, stop = anchor.start() + href.start(group), anchor.start() + href.end(group)
            address = self.guarded.restore(html.unescape(raw)).strip()
            out += [compiled[end:start], self._replacement(address, compiled, anchor)]
            end = stop
        return "".join(out) + compiled[end:]

    def _replacement(self, address: str, compiled: str, anchor: re.Match[str]) -> str:
        if not links_.is_numbered(address, self.fields):
            if links_.special(address, self.fields):
                return address
            return tags.escape_static(links_.liquid(address))
        number = len(self.links)
        url = links_.with_utm(address, self.utm)
        pieces = tuple(tags.split(url)[::2])
        self.links.append(
            Link(number, url, self._label(compiled, anchor.end()), pieces, self._category(anchor.group()))
        )
        self.first.setdefault(address, number)
        return f"{_PLACE_OPEN}{number}{_PLACE_CLOSE}"

    def _category(self, anchor: str) -> str:
        name = _NAME.search(anchor)
        text = (name.group(1) or name.group(2) or "") if name else ""
        return " ".join(html.unescape(self.guarded.restore(text)).split())[:_MAX_CATEGORY]

    def _label(self, compiled: str, start: int) -> str:
        inner = compiled[start : start + 4000].partition("</a>")[0]
        alt = " ".join(re.findall(r'<img[^>]*\balt="([^"]*)"', inner))
        text = re.sub(r"<[^>]*>", " ", inner)
        label = " ".join(html.unescape(self.guarded.restore(text)).split()) or html.unescape(self.guarded.restore(alt))
        return label[:120]

    def text_address(self, href: str) -> str:
        """Return what the text part shows for ``href``."""
        address = self.guarded.restore(href).strip()
        if address in self.first:
            return f"{_PLACE_OPEN}{self.first[address]}{_PLACE_CLOSE}"
        if links_.special(address, self.fields):
            return address
        return links_.liquid(address.removeprefix("mailto:").removeprefix("tel:"))
