"""Commands of the local deployment."""

from __future__ import annotations

from app.local.sample.commands import COMMANDS

__all__ = ["COMMANDS"]
