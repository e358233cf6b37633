"""Commands of segments and campaigns."""

import click

from campaigns.commands import control
from campaigns.commands.campaigns import campaigns
from campaigns.commands.segments import segments

COMMANDS: list[click.Command] = [segments, campaigns]

__all__ = ["COMMANDS", "control"]
