"""Cut a Liquid template into static text and slots, so that only the slots are rendered per person.

A slot is one output tag, or a whole ``{% if %}…{% endif %}``. Simple output tags call Liquid's filters directly;
the rest is rendered by Liquid, fragment by fragment. Both give what rendering the whole template would give.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.mail import merge
from app.mail.merge import Escape, Value, Values

_TAG = re.compile(r"\{\{-?.*?\}\}|\{%-?\s*(\w+)?.*?%\}", re.S)
_OPENERS = frozenset({"if", "unless", "case", "for"})
_VERBATIM = {"comment": "endcomment", "raw": "endraw"}


@dataclass(frozen=True, slots=True)
class Slot:
    """Liquid source that is rendered per person, and where its output stands."""

    source: str
    escape: Escape


Piece = str | Slot
Render = Callable[[Values], str]


def cut(source: str, escape: Escape, constants: Values) -> list[Piece]:
    """Return static texts and slots in order; what names only ``constants`` is rendered here and is static."""
    pieces: list[Piece] = []
    for text, is_slot in _slices(source):
        if not is_slot:
            _add(pieces, text)
            continue
        named = merge.variables(text)
        if named <= constants.keys() and "now" not in text and "today" not in text:
            _add(pieces, merge.render(text, constants, escape))
        else:
            pieces.append(Slot(text, escape))
    return pieces


def _add(pieces: list[Piece], text: str) -> None:
    if pieces and isinstance(pieces[-1], str):
        pieces[-1] += text
    elif text:
        pieces.append(text)


def _slices(source: str) -> list[tuple[str, bool]]:
    """Cut at the top-level tags. From the first assign on, all is one slot: later tags may name what it sets."""
    out: list[tuple[str, bool]] = []
    end = depth = start = 0
    verbatim = ""
    trim = False
    for match in _TAG.finditer(source):
        name = match.group(1) or ""
        if verbatim:
            verbatim = "" if name == verbatim else verbatim
            depth -= not verbatim
        elif depth == 0:
            static = source[end : match.start()]
            static = static.lstrip() if trim else static
            out.append((static.rstrip() if match.group()[2] == "-" else static, False))
            start, trim = match.start(), False
            if name == "assign":
                return [*out, (source[start:], True)]
        if not verbatim and name in _VERBATIM:
            verbatim = _VERBATIM[name]
            depth += 1
        elif not verbatim and name in _OPENERS:
            depth += 1
        elif not verbatim and name.startswith("end") and name not in _VERBATIM.values():
            depth -= 1
        if depth == 0:
            out.append((source[start : match.end()], True))
            end, trim = match.end(), match.group()[-3] == "-"
    return [*out, (source[end:].lstrip() if trim else source[end:], False)]


def renderer(slot: Slot, constants: Values) -> Render:
    """Return the function that renders ``slot`` for a person's values."""
    simple = merge.compile_output(slot.source)
    if simple is None:
        known = merge.variables(slot.source)
        fixed = {name: value for name, value in constants.items() if name in known}
        return lambda values: merge.render(slot.source, {**values, **fixed}, slot.escape)
    _, evaluate = simple
    if slot.escape is Escape.TEXT:
        return evaluate
    return lambda values: html.escape(evaluate(values))


def text_renderer(source: str, constants: Values) -> Render | str:
    """Return a subject's text when it is the same for all, else the function that renders it."""
    pieces = cut(source, Escape.TEXT, constants)
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(str(piece) for piece in pieces)
    renders: list[Render] = [
        renderer(piece, constants) if isinstance(piece, Slot) else _constant(piece) for piece in pieces
    ]
    return lambda values: "".join([render(values) for render in renders])


def _constant(text: str) -> Render:
    return lambda _values: text


def needs(slots: Mapping[Slot, int] | tuple[Slot, ...]) -> frozenset[str]:
    """Return the fields that the slots name."""
    return frozenset().union(*(merge.variables(slot.source) for slot in slots))


__all__ = ["Piece", "Render", "Slot", "Value", "cut", "needs", "renderer", "text_renderer"]
