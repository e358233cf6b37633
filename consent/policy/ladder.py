"""State × level × basis, and the pairs of basis and level that suffice for mail."""

from __future__ import annotations

from collections.abc import Iterable
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
    """The legal ground a permission stands on; what each asks for is in ``policy.grounds``."""

    CONSENT = "consent"
    SOFT_OPT_IN = "soft_opt_in"
    CHARITY_SUPPORT = "charity_support"  # the soft opt-in of charities, which one law knows
    B2B_INTEREST = "b2b_interest"
    IMPLIED_PURCHASE = "implied_purchase"
    IMPLIED_INQUIRY = "implied_inquiry"


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
