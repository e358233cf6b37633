"""``flask segments``."""

from __future__ import annotations

import time
from typing import TextIO

import click

from app.core.cli import answer
from app.core.db import unit_of_work
from campaigns.commands.files import read_json
from campaigns.queries import segments as queries


@click.group("segments")
def segments() -> None:
    """Target groups."""


@segments.command("count")
@click.argument("file", type=click.File(encoding="utf-8"))
def count(file: TextIO) -> None:
    """Count the people of the segment that FILE describes (JSON; - is standard input)."""
    definition = read_json(file)
    with unit_of_work() as session:
        began = time.perf_counter()
        found = queries.count(session, definition)
        took = (time.perf_counter() - began) * 1000
    answer({"count": found, "ms": round(took, 1)})
