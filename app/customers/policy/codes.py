"""Lists to choose from: countries (ISO 3166-1) and languages (ISO 639-1), with their names as CLDR has them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from babel import Locale

Options = tuple[tuple[str, str], ...]

# What CLDR lists among the territories: unions, outlying islands together, inventions for tests, nowhere.
_UNREAL = ("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ")


@lru_cache(maxsize=8)
def countries(language: str) -> Options:
    """Return the code and name of every country, by name."""
    return _codes(Locale.parse(language).territories)


@lru_cache(maxsize=8)
def languages(language: str) -> Options:
    """Return the code and name of every language of two letters, by name."""
    return _codes(Locale.parse(language).languages)


def _codes(names: Mapping[Any, Any]) -> Options:
    codes = [str(code) for code in names if len(str(code)) == 2 and str(code).isalpha() and code not in _UNREAL]
    return tuple(sorted(((code, str(names[code])) for code in codes), key=lambda pair: _plain(pair[1])))


def _plain(name: str) -> str:
    """Return a name as lists are sorted: accents do not count."""
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
