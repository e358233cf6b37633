"""``flask db``: the operator's commands for the database itself."""

from __future__ import annotations

import click

from app.core import config, migrate
from app.core.cli import answer


@click.group("db", help="Look after the database.")
def database() -> None: ...


@database.command()
def upgrade() -> None:
    """Bring the database to the newest migration; safe to repeat and to run on many hosts at once."""
    migrate.upgrade(config.current().database_url)
    answer({"upgraded": True})


COMMANDS: list[click.Command] = [database]
