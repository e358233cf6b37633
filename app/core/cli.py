"""What rooms say about their commands.

A room offers its commands as ``COMMANDS: list[click.Command]`` of its ``commands`` shelf. ``app.cli`` mounts them on
``flask``, and starts the embedded engines for them where none are named and none run.
"""

from __future__ import annotations

import json
import sys
from typing import TypeVar

import click

_ENGINELESS = "permesso_engineless"
C = TypeVar("C", bound=click.Command)


def engineless(command: C) -> C:
    """Mark a command (or a group with all its commands) that needs neither PostgreSQL nor Valkey."""
    setattr(command, _ENGINELESS, True)
    return command


def is_engineless(command: click.Command) -> bool:
    """Say whether ``command`` is marked as needing no engine."""
    return getattr(command, _ENGINELESS, False)


def answer(value: object) -> None:
    """Print a command's result: one JSON value on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")
