"""``flask consent register``: the register of processing (GDPR 30)."""

from __future__ import annotations

import click

from app.core.cli import answer
from app.core.db import unit_of_work
from consent.commands.group import consent
from consent.policy.register import missing
from consent.queries import register as queries


@consent.command("register")
@click.option("--language", type=click.Choice(["en", "fr"]), default="en", show_default=True, help="Of topics' names.")
def register(language: str) -> None:
    """Print the register of processing as JSON; what is missing in it is said on standard error."""
    with unit_of_work() as session:
        found = queries.register(session, language)
    answer(found.to_json())
    for gap in missing(found):
        click.echo(gap, err=True)
