"""``flask consent``: record, prove, verify, anchor, suppress, export, erase on the command line. Answers are JSON."""

from __future__ import annotations

from consent.commands import (
    ageing,
    archive,
    ledger,
    people,
    profiles,
    record,
    register,
    statistics,
    suppressions,
    whole,
)
from consent.commands.group import consent

__all__ = [
    "ageing",
    "archive",
    "ledger",
    "people",
    "profiles",
    "record",
    "register",
    "statistics",
    "suppressions",
    "whole",
]

COMMANDS = [consent]
