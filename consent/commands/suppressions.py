"""``flask consent suppress``, ``lift`` and ``suppressions``, and ``withdrawals`` for those the data was passed to."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from app.accounts.policy import Look
from app.accounts.services import access, audit
from app.brands.queries import brands
from app.core import clock
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, NotFound
from app.customers.policy import normalise
from app.customers.services.importing import forgetting
from consent.commands.group import consent
from consent.engine import lists as engine
from consent.policy.suppression import REASONS
from consent.policy.terms import SuppressionTerms
from consent.queries import exchange, topics
from consent.queries import lists as list_queries
from consent.queries import suppressions as queries
from consent.queries.exchange import Row
from consent.services import lists, suppress
from consent.services.conditions import moment

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
F = TypeVar("F", bound=Callable[..., None])


def _scoped(command: F) -> F:
    """Add the options that say for what and until when."""
    for option in (
        click.option("--until", metavar="TIME", help="When it ends, ISO 8601; without it, never."),
        click.option("--topic", metavar="SLUG", help="Only for mail about this topic."),
        click.option("--brand", metavar="SLUG", help="Only for mail from this brand."),
        click.option("--evidence", default="", help="Where the proof is kept."),
        click.option("--source", required=True, help="Where this comes from; kept with it."),
    ):
        command = option(command)
    return command


@consent.command("suppress")
@click.argument("value")
@_scoped
def suppress_(value: str, source: str, evidence: str, brand: str | None, topic: str | None, until: str | None) -> None:
    """Write to VALUE no more: an address, a domain (example.com), or a pattern (info@*).

    \b
    Prints {"suppression", "kind", "scope", "until"}. Again changes nothing.
    """
    with unit_of_work() as session:
        terms = _terms("manual", source, evidence, brand, topic, until)
        kind = "pattern" if "*" in value else "address" if "@" in value.lstrip("@") else "domain"
        made = suppress.by_hand(session, kind, value, terms)
        audit.record(session, "suppressed", "suppression", made)
    answer({"suppression": made, "kind": kind, "scope": terms.scope, "until": terms.until})


@consent.command("lift")
@click.argument("which")
@click.option("--why", required=True, help="Why it is lifted; kept with it.")
def lift(which: str, why: str) -> None:
    """Lift the suppression with the number WHICH, or all that staff may lift of the address WHICH.

    What a person asked for (an objection, a complaint, an erasure) only their own confirmed sign-up ends.
    Prints {"lifted": [numbers]}.
    """
    with unit_of_work() as session:
        if which.isdigit():
            wanted = [int(which)]
        else:
            found = queries.against(session, normalise(which))
            wanted = [row.id for row in found if row.liftable and row.kind in ("address", "hash")]
            if not wanted:
                raise NotFound("Nothing stands against this address that staff may lift.")
        for number in wanted:
            suppress.lift(session, number, why)
            audit.record(session, "lifted", "suppression", number)
    answer({"lifted": wanted})


@consent.group("suppressions")
def suppressions() -> None:
    """Lists of suppressed addresses: taken in, given out, looked up."""


@suppressions.command("import")
@click.argument("file", type=FILE)
@click.option("--reason", type=click.Choice(lists.REASONS), default="import", show_default=True)
@_scoped
def import_(
    file: Path, reason: str, source: str, evidence: str, brand: str | None, topic: str | None, until: str | None
) -> None:
    """Take in the list FILE: text or CSV with a column of addresses, SHA-256 or MD5 digests, found by itself.

    \b
    Prints {"list", "rows", "added", "known", "rejected", "rejects", "seconds"}; "rejects" holds the first 20 refused
    lines. Again changes nothing. Exit status 1 when the list could not be read.
    """
    begun = time.monotonic()
    with unit_of_work() as session:
        terms = _terms(reason, source, evidence, brand, topic, until)
        list_id = lists.create(session, file.absolute(), file.name, terms, forgetting.folder())
        audit.record(session, "imported", "suppression list", list_id)
    done = engine.run(list_id, lambda row: click.echo(f"{row.percent:3} %  {row.rows} rows", err=True))
    if done.status != "done":
        raise InvalidInput(done.error or "Another process reads this list.")
    with unit_of_work() as session:
        refused = list_queries.rejects(session, list_id, 20)
    answer(
        {
            "list": done.id,
            "rows": done.rows,
            "added": done.added,
            "known": done.known,
            "rejected": done.rejected,
            "rejects": [{"line": each.line, "reason": each.reason, "text": each.text} for each in refused],
            "seconds": round(time.monotonic() - begun, 2),
        }
    )


@suppressions.command("export")
@click.option("--reason", "reasons", multiple=True, type=click.Choice(REASONS), help="Only these; may be repeated.")
def export(reasons: tuple[str, ...]) -> None:
    """Write suppressed addresses as CSV: sha256, reason, scope, brand, topic, since, until. None of people erased."""
    with unit_of_work() as session:
        access.record(session, Look.EXPORTED, "flask consent suppressions export", subject="suppressions")
        _write(exchange.csv_lines(exchange.SUPPRESSED, exchange.suppressed(session, reasons)))


@consent.command("withdrawals")
@click.option("--since", required=True, metavar="TIME", help="ISO 8601, e.g. 2026-03-31.")
@click.option("--clear", is_flag=True, help="Addresses in clear beside their SHA-256.")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
def withdrawals(since: str, clear: bool, form: str) -> None:
    """Write what people withdrew or objected to since TIME, for those whom their data was passed to (GDPR 19)."""
    since_ = moment(since, "--since")
    with unit_of_work() as session:
        access.record(session, Look.EXPORTED, "flask consent withdrawals", subject="withdrawals")
        rows = exchange.withdrawn(session, since_, clear=clear)
        if form == "csv":
            _write(exchange.csv_lines(exchange.WITHDRAWN, rows))
        else:
            _write(_json_lines(rows))


def _json_lines(rows: Iterator[Row]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write(pieces: Iterator[str]) -> None:
    for piece in pieces:
        sys.stdout.write(piece)


def _terms(
    reason: str, source: str, evidence: str, brand: str | None, topic: str | None, until: str | None
) -> SuppressionTerms:
    if brand and topic:
        raise click.UsageError("Say --brand or --topic, not both.")
    with unit_of_work() as session:
        brand_id = brands.by_slug(session, brand).id if brand else None
        topic_id = topics.by_slug(session, topic).id if topic else None
    scope = "brand" if brand else "topic" if topic else "all"
    ends = moment(until, "--until") if until else None
    return SuppressionTerms(reason, scope, brand_id, topic_id, ends, source, evidence).checked(clock.now())
