"""Typed values of custom fields: from text to what ``contact.attributes`` keeps, and back to text.

JSON keeps numbers and booleans as such, dates as ISO text, several choices as a list of text. Text that could mean
two things is refused, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from urllib.parse import urlsplit

from babel import Locale
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import InvalidInput

FieldValue = str | int | float | bool | list[str]
MAX_TEXT = 32_767  # characters in a cell of a spreadsheet
MAX_NAME = 250


class Kind(StrEnum):
    """Types of a custom field."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    URL = "url"
    COUNTRY = "country"
    LANGUAGE = "language"


class DateOrder(StrEnum):
    """How a date of numbers alone is written. ``CLEAR`` takes only dates that have one reading."""

    CLEAR = "clear"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


def parse(
    kind: Kind, text: str, choices: Sequence[str] = (), *, date_order: DateOrder = DateOrder.CLEAR
) -> FieldValue | None:
    """Return the typed value of ``text``, None when it is blank. Raises ``InvalidInput`` saying what was expected."""
    given = text.strip()
    if not given:
        return None
    if kind is Kind.DATE:
        return parse_date(given, date_order)
    if kind in (Kind.CHOICE, Kind.CHOICES):
        return _choices(kind, given, choices)
    return _PARSERS[kind](given)


def show(value: object) -> str:
    """Return a value as plain text that ``parse`` reads again, for exports and forms."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(str(item) for item in value)
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return str(value)


def single_line(text: str) -> str:
    """Return a name or other one-line text. Raises ``InvalidInput`` for line breaks, control characters, excess."""
    given = text.strip()
    if len(given) > MAX_NAME:
        raise InvalidInput(_("The text has %(n)d characters; at most %(max)d fit here.", n=len(given), max=MAX_NAME))
    if not given.isprintable() and any(unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") for c in given):
        raise InvalidInput(_("Line breaks and control characters are not allowed here."))
    return given


def plain_text(text: str) -> str:
    """Return text that may have several lines, ended by LF. Raises ``InvalidInput`` for other control characters and
    excess."""
    given = text.strip().replace("\r\n", "\n").replace("\r", "\n")
    if len(given) > MAX_TEXT:
        raise InvalidInput(_("The text has %(n)d characters; at most %(max)d fit here.", n=len(given), max=MAX_TEXT))
    if not given.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n" for c in given):
        raise InvalidInput(_("Control characters are not allowed here."))
    return given


_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,9})?\Z")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([,.])\d{3})(?:\1\d{3})*(?:([,.])\d{1,9})?\Z")


def parse_number(text: str) -> int | float:
    """Read a number with a decimal point or comma, grouped or not; ``1,234`` alone has two readings and is refused."""
    compact = re.sub(r"[\s\u00a0\u202f'’]", "", text)
    if not _NUMBER.match(compact):
        compact = _without_groups(compact)
    try:
        number = Decimal(compact)
    except InvalidOperation:
        raise InvalidInput(_("%(text)s is not a number.", text=shorten(text))) from None
    if len(number.as_tuple().digits) > 15:
        raise InvalidInput(_("%(text)s has more than 15 digits.", text=shorten(text)))
    return int(number) if number == number.to_integral_value() else float(number)


def _without_groups(compact: str) -> str:
    if not compact.isascii():
        return ""
    if re.fullmatch(r"[+-]?\d{1,3},\d{3}", compact):
        raise InvalidInput(
            _("%(text)s could mean a thousand or a decimal fraction: write it without a comma.", text=compact)
        )
    if re.fullmatch(r"[+-]?\d{1,15},\d{1,9}", compact):
        return compact.replace(",", ".")
    grouped = _GROUPED.match(compact)
    if grouped and grouped[1] != grouped[2]:
        return compact.replace(grouped[1], "").replace(",", ".")
    return ""


_CURRENCY = re.compile(r"^(?:[€$£¥]|[A-Z]{3}\s)\s*|\s*(?:[€$£¥]|\s[A-Z]{3})$")


def parse_money(text: str) -> int | float:
    """Read an amount with at most two decimals; a currency sign or code beside it is dropped."""
    number = parse_number(_CURRENCY.sub("", text.strip()))
    if round(number, 2) != number:
        raise InvalidInput(_("%(text)s has more than two decimals.", text=shorten(text)))
    return number


_TIME = r"(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z| ?[+-]\d{2}:?\d{2})?)?\Z"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _TIME)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _TIME)


def parse_date(text: str, order: DateOrder = DateOrder.CLEAR) -> str:
    """Read a date (a time behind it is dropped) and return it as ISO text.

    With dots the day stands first. With slashes or hyphens, where day and month could be swapped, ``order`` decides.
    """
    if found := _YEAR_FIRST.match(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _YEAR_LAST.match(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        clear = first > 12 or second > 12 or first == second
        if found[2] != "." and order is DateOrder.CLEAR and not clear:
            raise InvalidInput(
                _("%(text)s: day and month could be swapped. Write 2026-03-04, or say the order.", text=shorten(text))
            )
        month_first = found[2] != "." and (order is DateOrder.MONTH_FIRST or (order is DateOrder.CLEAR and second > 12))
        month, day = (first, second) if month_first else (second, first)
    else:
        raise InvalidInput(_("%(text)s is not a date; write it as 2026-03-04.", text=shorten(text)))
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise InvalidInput(_("%(text)s is no day of the calendar.", text=shorten(text))) from None


_TRUE = frozenset(["1", "true", "yes", "y", "t", "on", "x", "oui", "o", "vrai", "v"])
_FALSE = frozenset(["0", "false", "no", "n", "f", "off", "non", "faux"])


def parse_boolean(text: str) -> bool:
    """Read yes or no in English or French, or 1 and 0."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidInput(_("%(text)s is neither yes nor no.", text=shorten(text)))


def parse_url(text: str) -> str:
    """Read an absolute web address."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or len(text) > 2048 or not text.isprintable() or " " in text:
        raise InvalidInput(_("%(text)s is not a web address that begins with https:// or http://.", text=shorten(text)))
    return text


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Names and codes in lower case → ISO 3166-1 alpha-2 code."""
    found: dict[str, str] = {}
    for language in ("fr", "en"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"):
                found[name.lower()] = code
                found[code.lower()] = code
    return found | {"uk": "GB", "usa": "US"}


def parse_country(text: str) -> str:
    """Read a country's ISO code or its English or French name; return the two-letter code."""
    code = _countries().get(text.strip().lower())
    if code is None:
        raise InvalidInput(_("%(text)s is not a country; use its two-letter code, like FR.", text=shorten(text)))
    return code


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    """Names and codes in lower case → ISO 639 code."""
    found: dict[str, str] = {}
    for language in ("fr", "en"):
        for code, name in Locale(language).languages.items():
            if code.isalpha() and len(code) <= 3:
                found[name.lower()] = code
                found[code.lower()] = code
    return found


def parse_language(text: str) -> str:
    """Read a language's code (``fr``, ``fr-CA``, ``fr_CA``) or its name; return the code, region kept."""
    given = text.strip().replace("_", "-")
    language, _dash, region = given.partition("-")
    code = _languages().get(given.lower()) or _languages().get(language.lower())
    country = _countries().get(region.lower()) if region and len(region) == 2 else None
    if code is None or (given.lower() not in _languages() and region and country is None):
        raise InvalidInput(_("%(text)s is not a language; use its code, like fr or en-GB.", text=shorten(text)))
    return f"{code}-{country}" if country else code


@lru_cache(maxsize=1)
def _time_zones() -> dict[str, str]:
    return {name.lower(): name for name in clock.time_zones()}


def parse_time_zone(text: str) -> str:
    """Read the name of a time zone, like ``Europe/Paris``."""
    zone = _time_zones().get(text.strip().lower())
    if zone is None:
        raise InvalidInput(_("%(text)s is not a time zone; write it like Europe/Paris.", text=shorten(text)))
    return zone


def _choices(kind: Kind, text: str, choices: Sequence[str]) -> str | list[str]:
    known = {choice.lower(): choice for choice in choices}
    parts = [text] if kind is Kind.CHOICE else [part.strip() for part in re.split(r"[;|,\n]", text) if part.strip()]
    found = []
    for part in parts:
        choice = known.get(part.lower())
        if choice is None:
            raise InvalidInput(
                _("%(text)s is none of the choices: %(choices)s.", text=shorten(part), choices=", ".join(choices))
            )
        if choice not in found:
            found.append(choice)
    return found[0] if kind is Kind.CHOICE else found


def shorten(text: str, length: int = 60) -> str:
    """Return ``text`` in quotation marks, cut and without control characters, for a message."""
    clean = "".join(c if c.isprintable() else "�" for c in text[:length])
    return f"“{clean}{'…' if len(text) > length else ''}”"


_PARSERS: dict[Kind, Callable[[str], FieldValue]] = {
    Kind.TEXT: plain_text,
    Kind.NUMBER: parse_number,
    Kind.MONEY: parse_money,
    Kind.BOOLEAN: parse_boolean,
    Kind.URL: parse_url,
    Kind.COUNTRY: parse_country,
    Kind.LANGUAGE: parse_language,
}
