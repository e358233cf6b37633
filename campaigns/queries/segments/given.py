"""Reading the values that a leaf gives; each function raises ``InvalidInput`` that says what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from campaigns.queries.segments.condition import Leaf

T = TypeVar("T")
MAX_TEXT = 1000
MAX_LIST = 1000
MAX_DAYS = 36_500
_LARGEST = 10**15


def only(leaf: Leaf, *allowed: str) -> None:
    """Refuse keys that the kind of condition does not know: a typing mistake must not widen an audience."""
    if unknown := sorted(set(leaf) - set(allowed)):
        raise InvalidInput(
            _("“%(key)s” is not known here. Known: %(known)s.", key=unknown[0], known=", ".join(allowed))
        )


def at_most_one(leaf: Leaf, keys: Sequence[str]) -> str | None:
    """Return which of ``keys`` is there, None when none is, and refuse several."""
    there = [key for key in keys if key in leaf]
    if len(there) > 1:
        raise InvalidInput(_("give one of %(scopes)s, not several.", scopes=", ".join(there)))
    return there[0] if there else None


def one_of(value: object, allowed: Iterable[str], key: str) -> str:
    """Return ``value`` when it is one of the allowed words."""
    known = list(allowed)
    if isinstance(value, str) and value in known:
        return value
    if value is None:
        raise InvalidInput(_("“%(key)s” is missing: one of %(known)s.", key=key, known=", ".join(known)))
    raise InvalidInput(
        _("“%(key)s” cannot be %(value)s: use one of %(known)s.", key=key, value=show(value), known=", ".join(known))
    )


def text(value: object) -> str:
    """Return a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(_("a text is expected, not %(value)s.", value=show(value)))
    if len(value) > MAX_TEXT:
        raise InvalidInput(_("the text is longer than %(max)d characters.", max=MAX_TEXT))
    if "\x00" in value or (not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)):
        raise InvalidInput(_("the text holds a character that no database keeps."))
    return value


def number(value: object) -> int | float:
    """Return a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(_("a number is expected, not %(value)s.", value=show(value)))
    if abs(value) > _LARGEST:
        raise InvalidInput(_("the number is too large."))
    return value


def whole(value: object, *, least: int, most: int = MAX_DAYS) -> int:
    """Return a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(
            _(
                "a whole number from %(least)d to %(most)d is expected, not %(value)s.",
                least=least,
                most=most,
                value=show(value),
            )
        )
    return value


def yes_or_no(value: object) -> bool:
    """Return a truth value; 1 and 0 stand for true and false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise InvalidInput(_("true or false is expected, not %(value)s.", value=show(value)))


def day(value: object) -> date:
    """Return a day written like 2026-01-31."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidInput(_("a day like 2026-01-31 is expected, not %(value)s.", value=show(value)))


def several(value: object, each: Callable[[object], T]) -> list[T]:
    """Return a list of at least one value."""
    if not isinstance(value, list) or not value:
        raise InvalidInput(_("a list of values is expected, not %(value)s.", value=show(value)))
    if len(value) > MAX_LIST:
        raise InvalidInput(_("the list holds more than %(max)d values: use a tag instead.", max=MAX_LIST))
    return [each(member) for member in value]


def pair(value: object, each: Callable[[object], T]) -> tuple[T, T]:
    """Return a lower and an upper bound."""
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidInput(_("two values are expected, the lower and the upper one, not %(value)s.", value=show(value)))
    return each(value[0]), each(value[1])


def show(value: object) -> str:
    """Return a value for an error message."""
    if value is None or value == "":
        return str(_("nothing"))
    shown = f"“{value}”" if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


# Texts of the builder's inputs, on their way to JSON. What does not fit stays text, and the compiler says so.


def as_number(given: str) -> object:
    """Return the number that was typed (a decimal comma is one too), else the text."""
    compact = given.strip().replace(",", ".")
    for kind in (int, float):
        try:
            return kind(compact)
        except ValueError:
            continue
    return given


def as_list(given: str, each: Callable[[str], object] = str) -> list[object]:
    """Return the values of a text in which they are separated by commas."""
    return [each(part.strip()) for part in given.split(",") if part.strip()]


def as_text(value: object) -> str:
    """Return a JSON value as an input shows it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(as_text(member) for member in value)
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def drop_blank(leaf: Mapping[str, object]) -> dict[str, object]:
    """Return a leaf without the keys that were left open."""
    return {key: value for key, value in leaf.items() if value not in ("", None)}
