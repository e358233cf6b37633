"""``flask consent``: record, prove, verify, anchor, export and erase on the command line. Answers are JSON."""

from __future__ import annotations

from consent.commands import ageing, archive, ledger, people, record, register, whole
from consent.commands.group import consent

__all__ = ["ageing", "archive", "ledger", "people", "record", "register", "whole"]

COMMANDS = [consent]
