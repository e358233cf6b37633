"""When two contacts may be one person: signs, never certainty. People decide."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import phonenumbers

# Providers to which dots before the @ mean nothing, and the domains that are one.
DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
# More than this many contacts with one sign is a switchboard or a shared inbox, not a person.
CROWD = 20

_PHONE = frozenset("phone telephone tel mobile gsm portable cell cellphone telefon handy telefono".split())
_POSTCODE = frozenset("postcode zip zipcode plz cap".split())
_POSTAL = frozenset(("postal", "post"))


class Kind(StrEnum):
    """Why two contacts may be one person."""

    ADDRESS = "address"  # the same mailbox, spelt otherwise: with a plus, with other dots
    PHONE = "phone"  # the same telephone number
    NAME = "name"  # the same name and postcode


def phone_fields(names: Iterable[str]) -> list[str]:
    """Return those declared fields that hold telephone numbers, by their names."""
    return [name for name in names if _PHONE & set(name.split("_"))]


def postcode_fields(names: Iterable[str]) -> list[str]:
    """Return those declared fields that hold postcodes, by their names."""
    found = []
    for name in names:
        words = set(name.split("_"))
        if _POSTCODE & words or (_POSTAL & words and "code" in words):
            found.append(name)
    return found


def phone_number(text: str, country: str | None) -> str | None:
    """Return a telephone number in its international form (E.164), None for what is none.

    ``country`` (ISO 3166-1) says how a number without its country's prefix is read.
    """
    try:
        number = phonenumbers.parse(text[:40], country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
