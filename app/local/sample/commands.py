"""``flask sample load``: fill an empty deployment with the sample workspace."""

from __future__ import annotations

import time

import click

from app.accounts.services import staff
from app.core import clock, config
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import Conflict
from app.local.sample import asking, away, base, company, groups, mailings, twins
from app.local.sample.people import people
from consent.services import statistics

PEOPLE = 5000


@click.group("sample")
def sample() -> None:
    """The sample workspace: a company, its customers and its mailings."""


@sample.command("load")
@click.option("--people", "count", type=int, default=PEOPLE, show_default=True, help="How many contacts.")
def load(count: int) -> None:
    """Fill an empty deployment with Loriot & Finch, who never existed."""
    began = time.monotonic()
    var = config.current().var
    with unit_of_work() as session:
        if staff.count(session):
            raise Conflict("There is data here already: the sample is for an empty deployment (set PERMESSO_VAR).")
        houses = company.found(session, var)
    click.echo("Sample: company and staff", err=True)
    everybody = people(count, clock.now())
    contacts = base.bring_in(everybody, houses, var / "imports" / "sample")
    click.echo(f"Sample: {len(contacts)} contacts and their permissions", err=True)
    clicks = mailings.send_the_past(houses, everybody, contacts)
    mailings.sell(houses, everybody, clicks, var / "imports" / "sample")
    away.keep_away(houses, var / "imports" / "sample")
    groups.gather(houses, everybody)
    with unit_of_work() as session:
        draft = mailings.draft(houses, session)
        asking.ask(session, everybody, contacts)
        twins.come_twice(session, everybody, contacts)
        statistics.fold(session)
    answer({"contacts": len(contacts), "draft": draft, "seconds": round(time.monotonic() - began, 1)})


COMMANDS = [sample]
