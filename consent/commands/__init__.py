"""``flask consent``: record, prove, verify, export and erase on the command line. Answers are JSON."""

from __future__ import annotations

from consent.commands import ageing, ledger, people, record
from consent.commands.group import consent

__all__ = ["ageing", "ledger", "people", "record"]

COMMANDS = [consent]
