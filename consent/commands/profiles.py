"""``flask consent profiles export`` and ``import``: people with their permission, from one installation to another."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from app.accounts.policy import Look
from app.accounts.services import access
from app.core import db
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import UserError
from consent.commands.group import consent
from consent.services import exchanging


@consent.group("profiles")
def profiles() -> None:
    """People with their permission, as JSON lines (docs/reference/profiles-exchange.md)."""


@profiles.command("export")
def export() -> None:
    """Write the profile of everybody with an address, one JSON object a line."""
    with unit_of_work() as session:
        access.record(session, Look.EXPORTED, "flask consent profiles export", subject="base")
    with db.snapshot() as session:
        for profile in exchanging.profiles(session):
            sys.stdout.write(json.dumps(profile, ensure_ascii=False) + "\n")


@profiles.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="Which installation these people come from.")
def take(file: Path, source: str) -> None:
    """Take the profiles of FILE in. Each is taken wholly or, with its reason on standard error, not at all.

    \b
    Prints {"profiles", "added", "known", "refused"}. Repeating it changes nothing.
    """
    counts = {"profiles": 0, "added": 0, "known": 0, "refused": 0}
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            counts["profiles"] += 1
            try:
                loaded = json.loads(line)
                with unit_of_work() as session:
                    new = exchanging.take(session, loaded if isinstance(loaded, dict) else {}, source)
                counts["added" if new else "known"] += 1
            except (UserError, ValueError, RecursionError, db.Unstorable) as error:
                counts["refused"] += 1
                click.echo(f"Line {number}: {error}", err=True)
    answer(dict(counts))
