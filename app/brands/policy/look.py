"""A brand's colour on its public pages: readable on light and on dark whatever colour the brand chose."""

from __future__ import annotations

import re

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
DEFAULT = "#0b6b74"
ON_LIGHT, ON_DARK = (255, 255, 255), (27, 33, 34)
READABLE = 4.5  # WCAG 2.2, 1.4.3

Rgb = tuple[int, int, int]


def stylesheet(colour: str) -> str:
    """Return the style sheet of a brand whose colour is ``colour`` (#rrggbb; anything else means the default)."""
    light, dark = readable(colour)
    return (
        ":root{"
        f"--tblr-primary:light-dark({light},{dark});"
        f"--tblr-primary-fg:light-dark(#fff,{_hex(ON_DARK)});"
        f"--tblr-link-color:light-dark({light},{dark});"
        f"--tblr-link-hover-color:light-dark({light},{dark})"
        "}"
    )


def readable(colour: str) -> tuple[str, str]:
    """Return the colours nearest to ``colour`` (#rrggbb) that are readable on a light and on a dark ground."""
    chosen = _rgb(colour if _HEX.fullmatch(colour) else DEFAULT)
    return _hex(_towards(chosen, (0, 0, 0), ON_LIGHT)), _hex(_towards(chosen, (255, 255, 255), ON_DARK))


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _towards(colour: Rgb, end: Rgb, ground: Rgb) -> Rgb:
    """Return the first mix of ``colour`` and ``end`` that is readable on ``ground``."""
    mixed = colour
    for step in range(21):
        share = step / 20
        mixed = (
            round(colour[0] + (end[0] - colour[0]) * share),
            round(colour[1] + (end[1] - colour[1]) * share),
            round(colour[2] + (end[2] - colour[2]) * share),
        )
        if contrast(mixed, ground) >= READABLE:
            break
    return mixed


def _luminance(colour: Rgb) -> float:
    red, green, blue = (c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
