"""``flask consent age``: what time does, by hand."""

from __future__ import annotations

import click

from app.core.cli import answer
from app.core.db import unit_of_work
from consent.commands.group import consent
from consent.queries import upkeep as queries
from consent.services.ageing import Unit, Upkeep, running, upkeeps

SAMPLE = 10


@consent.command("age")
@click.option("--job", "name", metavar="NAME", help="One upkeep; without it, every one that is on.")
@click.option("--dry-run", is_flag=True, help="Only say whom it would touch.")
@click.option("--switch", type=click.Choice(["on", "off"]), help="Switch the upkeep on or off, and do nothing else.")
@click.option("--months", type=int, help="Choose its period, and do nothing else. One that is on goes off by it.")
def age(name: str | None, dry_run: bool, switch: str | None, months: int | None) -> None:
    """Do now what time asks for: expiry, purge, retention.

    \b
    Prints {"job", "on", "months", "people", "sample", ...} for a named job, else a list of them: ``people`` is how
    many are due (for sign-ups, how many rows), ``sample`` the ids of the first ten; after a run also "status", "done".
    """
    if (switch or months is not None) and not name:
        raise click.UsageError("--switch and --months need --job.")
    if months is not None or switch:
        assert name is not None
        _decide(running.find(name), switch, months)
        dry_run = True
    chosen = [running.find(name)] if name else list(upkeeps)
    answers = [_dry(upkeep) if dry_run else _run(upkeep) for upkeep in chosen if name or dry_run or _on(upkeep)]
    answer(answers[0] if name else answers)


def _decide(upkeep: Upkeep, switch: str | None, months: int | None) -> None:
    with unit_of_work() as session:
        if months is not None:
            running.set_months(session, upkeep, months)
        if switch:
            running.switch(session, upkeep, switch == "on", seen_months=running.months_of(session, upkeep))


def _on(upkeep: Upkeep) -> bool:
    with unit_of_work() as session:
        return running.is_on(session, upkeep)


def _dry(upkeep: Upkeep) -> dict[str, object]:
    with unit_of_work() as session:
        due = running.due(session, upkeep)
        said: dict[str, object] = {
            "job": upkeep.name,
            "on": running.is_on(session, upkeep),
            "months": running.months_of(session, upkeep) or None,
        }
        if upkeep.unit is Unit.EVENT_HOUR:
            months = running.by_month(session, upkeep)
            shown = [{"month": f"{each.first:%Y-%m}", "events": each.events, "people": each.people} for each in months]
            return said | {"events": sum(each.events for each in months), "by_month": shown}
        return said | {"people": queries.count(session, due), "sample": queries.some(session, due, limit=SAMPLE)}


def _run(upkeep: Upkeep) -> dict[str, object]:
    said = _dry(upkeep)
    with unit_of_work() as session:
        run_id = running.start(session, upkeep)
    going = True
    while going:
        with unit_of_work() as session:
            going = running.step(session, run_id)
    with unit_of_work() as session:
        ended = queries.run(session, run_id)
    return {**said, "status": ended.status, "done": ended.done}
