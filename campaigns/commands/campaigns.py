"""``flask campaigns``: the group, and making a draft. What steers a campaign is in ``control``."""

from __future__ import annotations

from typing import TextIO

import click

from app.core.cli import answer
from app.core.db import unit_of_work
from campaigns.commands.files import read_json
from campaigns.services import spec


@click.group("campaigns")
def campaigns() -> None:
    """Mailings."""


@campaigns.command("create")
@click.argument("file", type=click.File(encoding="utf-8"))
def create(file: TextIO) -> None:
    """Make a draft of the campaign that FILE describes (docs/reference/campaigns.md; - is standard input)."""
    described = spec.read(read_json(file))
    with unit_of_work() as session:
        campaign_id = spec.create(session, described)
    answer({"id": campaign_id})
