"""Two contacts who are the same person: which value wins for each field, and what that changes.

The kept contact's values win, and what it lacks is taken from the other; staff may choose otherwise, field by field.
Addresses are not chosen: a permission binds person and address, so the kept contact keeps its own. Nor is a country
that both know: the law that protects the kept contact must not change by the way, for it decides what suffices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.customers.policy.values import FieldValue

CORE = ("first_name", "last_name", "language", "time_zone", "country", "source")
BOUND = frozenset({"country"})  # the kept contact's wins whenever it has one
TAGS = "tags"  # both contacts' tags are kept

Held = Mapping[str, FieldValue | None]


class Side(StrEnum):
    """Whose value wins."""

    KEPT = "kept"
    FOLDED = "folded"


@dataclass(frozen=True)
class Choice:
    """One field of which at least one of the two has a value. ``free`` tells that staff may choose."""

    name: str
    kept: FieldValue | None
    folded: FieldValue | None
    winner: Side
    free: bool


# field → its value "before" and "after", and the "origin" that was remembered for the one before
Changes = dict[str, dict[str, Any]]


def blank(value: FieldValue | None) -> bool:
    """Return whether a field is empty."""
    return value is None or value == "" or value == []


def choices(kept: Held, folded: Held, chosen: Mapping[str, str]) -> list[Choice]:
    """Return what is decided for each field that one of the two has; ``chosen`` names sides by field."""
    found = []
    for name in dict.fromkeys([*kept, *folded]):
        mine, theirs = kept.get(name), folded.get(name)
        if blank(mine) and blank(theirs):
            continue
        free = not blank(mine) and not blank(theirs) and mine != theirs and name not in BOUND
        winner = Side.FOLDED if blank(mine) or (free and chosen.get(name) == Side.FOLDED) else Side.KEPT
        found.append(Choice(name, mine, theirs, winner, free))
    return found


def changes(decided: Sequence[Choice], kept_tags: Sequence[str], folded_tags: Sequence[str]) -> Changes:
    """Return what the kept contact takes over: field → its value before and after."""
    made: Changes = {
        choice.name: {"before": choice.kept, "after": choice.folded}
        for choice in decided
        if choice.winner is Side.FOLDED
    }
    together = list(dict.fromkeys([*kept_tags, *folded_tags]))
    if together != list(kept_tags):
        made[TAGS] = {"before": list(kept_tags), "after": together}
    return made


def given_back(present: Held, tags: Sequence[str], made: Changes) -> tuple[dict[str, FieldValue | None], list[str]]:
    """Return the fields and tags of the kept contact once a merge is undone.

    What was changed since the merge stays as it is: somebody meant it.
    """
    fields = {
        name: change["before"] for name, change in made.items() if name != TAGS and present.get(name) == change["after"]
    }
    taken = made.get(TAGS)
    if taken is None:
        return fields, list(tags)
    before, after = taken["before"], taken["after"]
    added = set(after if isinstance(after, list) else ()) - set(before if isinstance(before, list) else ())
    return fields, [tag for tag in tags if tag not in added]
