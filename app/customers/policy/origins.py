"""Why a field has its value: by whom or what it was set last, and when.

Kept on the contact as ``field → [kind, number, moment]`` for what was set after the contact was added; imports keep
what they changed themselves (``import_change``). What came with the contact has no entry: then its source and the day
it was added are the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Stored = dict[str, list[str | int | None]]


class Origin(StrEnum):
    """Who or what set a value."""

    STAFF = "staff"  # number: the account
    PERSON = "person"
    FORM = "form"  # number: the sign-up form
    IMPORT = "import"  # number: the batch
    MERGE = "merge"  # number: the contact whose value it was
    SYSTEM = "system"  # a command, a job


@dataclass(frozen=True)
class Set:
    """When a value was set, and by what."""

    origin: Origin
    number: int | None
    at: datetime


def stamped(
    before: Mapping[str, object], names: Iterable[str], origin: Origin, number: int | None, at: datetime
) -> Stored:
    """Return what is stored once ``names`` are set."""
    stamp: list[str | int | None] = [origin.value, number, at.isoformat()]
    return {**before, **dict.fromkeys(names, stamp)}  # type: ignore[dict-item]


def read(stored: Mapping[str, object]) -> dict[str, Set]:
    """Return what is known of each field; what cannot be read is left out."""
    found = {}
    for name, stamp in stored.items():
        if isinstance(stamp, list) and len(stamp) == 3 and stamp[0] in list(Origin):
            found[name] = Set(Origin(stamp[0]), stamp[1], datetime.fromisoformat(str(stamp[2])))
    return found
