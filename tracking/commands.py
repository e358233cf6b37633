"""``flask tracking``: the processes that move hits into figures; ``flask orders`` and ``flask events``: from files."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from app.brands.queries.brands import BrandInfo, all_brands
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from tracking.engine import drainer, folder
from tracking.services import orders as imports

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("tracking")
def tracking() -> None:
    """Opens and clicks: draining the spool, folding events."""


@tracking.command("drain")
@click.option("--once", is_flag=True, help="Drain what is there, then end.")
def drain(once: bool) -> None:
    """Move this host's spool into the database until stopped. One process a host."""
    stop = _stopped_by_signal()
    if once:
        stop.set()
    drainer.build().run(stop)


@tracking.command("fold")
@click.option("--once", is_flag=True, help="Fold what has settled, then end.")
def fold(once: bool) -> None:
    """Fold drained events into figures until stopped. Hosts may compete: one works at a time."""
    stop = _stopped_by_signal()
    if once:
        while folder.fold_once():
            pass
        return
    folder.run(stop)


def _stopped_by_signal() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set, so that a round under way is finished first."""
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    return stop


@click.group("orders")
def orders() -> None:
    """Purchases."""


@orders.command("import")
@click.argument("file", type=FILE)
@click.option("--brand", "slug", help="The brand that sold; may be left out where there is only one.")
@click.option("--source", default="file", show_default=True, help="The shop; order ids are unique within it.")
def import_orders(file: Path, slug: str | None, source: str) -> None:
    """Import orders from a CSV or JSON Lines FILE; again changes nothing.

    \b
    Columns: order_id, email, at, amount, currency, value, rate, refunds, items.
    Prints {"added", "known", "without_contact", "credited"}.
    """
    with unit_of_work() as session:
        done = imports.import_orders(session, file, _brand(all_brands(session), slug), source)
    answer(vars(done))


def _brand(brands: list[BrandInfo], slug: str | None) -> BrandInfo:
    found = [brand for brand in brands if slug in (None, brand.slug)]
    if len(found) != 1:
        raise InvalidInput(
            f"Say which brand with --brand: {', '.join(brand.slug for brand in brands) or 'there is none'}."
        )
    return found[0]


@click.group("events")
def events() -> None:
    """Opens and clicks from elsewhere."""


@events.command("import")
@click.argument("file", type=FILE)
def import_events(file: Path) -> None:
    """Import opens and clicks from a CSV or JSON Lines FILE; the same file again changes nothing.

    \b
    Columns: kind, campaign, email, link, at, user_agent, ip, method.
    Prints {"recorded", "dropped", "already_imported"}.
    """
    with unit_of_work() as session:
        done = imports.import_events(session, file)
    answer(vars(done))


COMMANDS: list[click.Command] = [tracking, orders, events]
