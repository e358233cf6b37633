"""``flask bench NAME``: one JSON object a benchmark; ``make bench`` runs them all."""

from __future__ import annotations

import importlib
import json

import click

from app.core.errors import InvalidInput

# Each names a module here with ``run(quick: bool) -> Result``; loaded when asked for.
BENCHES = ("sign", "send", "track", "importing", "export", "ledger", "permission", "segments")
SIZED = ("seed", "segments")  # these take ``contacts``, too


@click.command("bench")
@click.argument("name", type=click.Choice([*BENCHES, "seed", "all"]), default="all")
@click.option("--quick", is_flag=True, help="Small sizes: shows that it runs, its figures mean little.")
@click.option("--contacts", type=click.IntRange(1000, 100_000_000), help="How many people seed and segments are about.")
def bench(name: str, quick: bool, contacts: int | None) -> None:
    """Measure one part, with a reference measured in the same run, and print JSON.

    seed measures nothing: it fills an empty base with made-up people, their mails and orders, for segments to read.
    """
    for chosen in BENCHES if name == "all" else (name,):
        module = importlib.import_module(f"app.bench.{chosen}")
        result = module.run(quick=quick, contacts=contacts) if chosen in SIZED else module.run(quick=quick)
        if not result.figures:
            raise InvalidInput(f"The benchmark {chosen} measured nothing: see the lines above.")
        click.echo(json.dumps(result.to_json()))


COMMANDS = [bench]
