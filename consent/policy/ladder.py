"""State × level × basis, the pairs that suffice for mail, and jurisdiction profiles as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import InvalidInput


class State(StrEnum):
    """Where a permission stands."""

    NEVER_ASKED = "never_asked"
    PENDING = "pending"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Level(StrEnum):
    """How clearly a person said yes, the weakest first: the ladder."""

    OPT_OUT = "opt_out"
    PASSIVE = "passive"
    OPT_IN = "opt_in"
    CONFIRMED = "confirmed"

    @property
    def rung(self) -> int:
        """Return the height on the ladder, 0 for the lowest."""
        return list(Level).index(self)


class Basis(StrEnum):
    """The legal ground a permission stands on."""

    CONSENT = "consent"
    SOFT_OPT_IN = "soft_opt_in"
    B2B_INTEREST = "b2b_interest"
    IMPLIED_PURCHASE = "implied_purchase"
    IMPLIED_INQUIRY = "implied_inquiry"


@dataclass(frozen=True)
class Profile:
    """What a jurisdiction accepts. ``defaults`` are the minimal pairs of a topic that says nothing itself;
    ``choices`` those that a brand may decide to accept beside them."""

    name: str
    defaults: tuple[str, ...]
    choices: tuple[str, ...]


# ePrivacy 13(1): consent; 13(2): own customers, similar goods, told at collection and in every mail.
EUROPE = Profile("eu", ("consent@confirmed", "soft_opt_in@opt_out"), ("consent@opt_in",))
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (EUROPE,)}


def profile(name: str) -> Profile:
    """Return a profile by name; the strictest one for a name that is not known."""
    return PROFILES.get(name, EUROPE)


def pair(basis: str | None, level: str | None) -> str:
    """Return basis and level as topics list them, e.g. ``consent@confirmed``."""
    return f"{basis}@{level}"


def parse_pair(text: str) -> tuple[Basis, Level]:
    """Return basis and level of a pair. Raises ``InvalidInput``."""
    basis, _, level = text.partition("@")
    try:
        return Basis(basis), Level(level)
    except ValueError:
        raise InvalidInput(f"{text!r} is no pair of basis and level: write it like consent@confirmed.") from None


def closed_upwards(minimal: Iterable[str]) -> list[str]:
    """Return every pair that is at least as good as one of ``minimal``: the same basis, that level or a higher one.

    Topics store this closure, so that SQL compares pairs without knowing the ladder. Raises ``InvalidInput``.
    """
    floors = [parse_pair(text) for text in minimal]
    return sorted({pair(basis, level) for basis, floor in floors for level in Level if level.rung >= floor.rung})


def accepted(accepts: Mapping[str, Iterable[str]], named: str) -> frozenset[str]:
    """Return the pairs that suffice for a topic under profile ``named``.

    A list that the topic holds for the profile stands; else the profile's defaults.
    """
    if named in accepts:
        return frozenset(accepts[named])
    return frozenset(closed_upwards(profile(named).defaults))
