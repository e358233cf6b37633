"""The MJML files under ``templates/email``: a few ``Name: value`` lines, a blank line, the MJML."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.core.config import TEMPLATES

FOLDER = TEMPLATES / "email"
LANGUAGES = ("en", "fr")
_STARTERS = ("letter", "newsletter", "promotion", "announcement")
_ASKING = ("permission",)  # for campaigns that ask whether people still want to be written to


@dataclass(frozen=True, slots=True)
class Starter:
    """A design to begin with."""

    slug: str
    name: str
    description: str
    mjml: str


def read(file: Path) -> tuple[dict[str, str], str]:
    """Return the head lines (names in lower case) and the MJML of a template file."""
    head, _, body = file.read_text("utf-8").partition("\n\n")
    pairs = (line.partition(":") for line in head.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}, body


def language_of(language: str) -> str:
    """Return the language we have templates in that suits ``language`` best (``fr-BE`` → ``fr``; else English)."""
    short = language.lower().partition("-")[0].partition("_")[0]
    return short if short in LANGUAGES else "en"


@lru_cache(maxsize=2 * len(LANGUAGES))
def _starters(language: str, asking: bool) -> tuple[Starter, ...]:
    found = []
    for slug in _ASKING if asking else _STARTERS:
        head, mjml = read(FOLDER / "starters" / slug / f"{language}.mjml")
        found.append(Starter(slug, head["name"], head["description"], mjml))
    return tuple(found)


def starters(language: str = "en", *, asking: bool = False) -> tuple[Starter, ...]:
    """Return the starter designs, with their texts in ``language``; those of re-permission mails when ``asking``."""
    return _starters(language_of(language), asking)
