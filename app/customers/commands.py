"""``flask contacts``: import, export and merging on the command line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.accounts.policy import Look
from app.accounts.services import access
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.engine import importing
from app.customers.policy.rules import Rule
from app.customers.policy.values import DateOrder
from app.customers.queries import imports
from app.customers.queries.imports import BatchInfo
from app.customers.services import exporting, merging
from app.customers.services.exporting import Format
from app.customers.services.importing import batches, forgetting, split_evidence, topic_by_slug, undoing
from app.customers.services.importing.batches import BASES, LEVELS, Statement
from app.customers.services.importing.declaring import declare_columns
from app.customers.services.importing.source import FileShape, inspect


@click.group("contacts")
def contacts() -> None:
    """The customer base: import, export, merging."""


@contacts.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Which field a column becomes; blank: none.")
@click.option("--declare", is_flag=True, help="Declare a field for every column that has none, typed by its cells.")
@click.option(
    "--topic", metavar="SLUG", help="The topic they gave permission for; without it no permission is recorded."
)
@click.option("--level", type=click.Choice(LEVELS), help="How firmly the permission was given.")
@click.option("--basis", type=click.Choice(BASES), help="The legal basis of the permission.")
@click.option("--source", required=True, help="Where these people come from.")
@click.option(
    "--evidence",
    multiple=True,
    metavar="TEXT",
    help="Where the proof is kept, or, as NAME=TEXT, a condition of the basis; repeat it for several.",
)
@click.option(
    "--date-order", type=click.Choice([o.value for o in DateOrder]), default="clear", help="How 03/04/2026 is read."
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="FIELD=RULE",
    help=f"What happens to a value that is there: {', '.join(Rule)}.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
def import_(
    file: Path,
    maps: tuple[str, ...],
    declare: bool,
    topic: str | None,
    level: str | None,
    basis: str | None,
    source: str,
    evidence: tuple[str, ...],
    date_order: str,
    rules: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Import FILE (CSV, TSV, XLSX, JSON lines). Columns are mapped by their titles; --map overrides that.

    \b
    Prints {"batch", "rows", "added", "updated", "unchanged", "permitted", "rejected", "refused", ...}.
    Exit status 1 when the import could not be done; refused rows are no failure, they are counted and kept.

    \b
    What a basis other than consent asks for, as --evidence NAME=TEXT:
      soft_opt_in       sale, similar, refusal
      charity_support   support, refusal
      b2b_interest      company, role, told
      implied_purchase  purchase, when (24 months, Canada)
      implied_inquiry   inquiry, when (6 months, Canada)
    """
    if topic and not (level and basis):
        raise click.UsageError("With --topic say --level and --basis.")
    begun = time.monotonic()
    shape = inspect(file.absolute(), forgetting.folder())
    given = _given(maps, shape)
    with unit_of_work() as session:
        topic_id = topic_by_slug(session, topic).id if topic else None
        proof, conditions = split_evidence(evidence)
        statement = Statement(topic_id, level or "", basis or "", source, proof, conditions)
        batch_id = batches.create(session, shape, file.name)
        mapping = {**imports.batch(session, batch_id).mapping, **given}
        left = [column for column in shape.columns if column not in mapping]
        if declare:
            mapping |= declare_columns(session, shape, left)
        elif left:
            click.echo(f"Not imported, for they are no declared fields: {', '.join(left)}", err=True)
        order, given_rules = DateOrder(date_order), _pairs(rules, "--rule")
        batches.prepare(session, batch_id, mapping, statement, dry_run=dry_run, date_order=order, rules=given_rules)
    _run(batch_id, begun)


@contacts.command("resume")
@click.argument("batch_id", type=int)
def resume(batch_id: int) -> None:
    """Go on with the import BATCH_ID, which was stopped, failed or killed, where it was."""
    with unit_of_work() as session:
        if imports.batch(session, batch_id).status != "running":
            batches.resume(session, batch_id)
    _run(batch_id, time.monotonic())


@contacts.command("undo")
@click.argument("batch_id", type=int)
def undo(batch_id: int) -> None:
    """Take the import BATCH_ID back: values it changed, permissions it gave, people it added.

    What somebody changed since stays, and so does whoever was written to, bought, or acted since. Who left stays left.
    """
    with unit_of_work() as session:
        if imports.batch(session, batch_id).status != "undoing":
            undoing.request(session, batch_id, None)
    done = importing.undo(batch_id).undone
    answer({"batch": batch_id, **{name: done[name] for name in ("restored", "ended", "removed", "kept")}})


@contacts.command("export")
@click.option("--segment", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A segment as JSON.")
@click.option("--format", "form", type=click.Choice([f.value for f in Format]), default="csv", show_default=True)
def export(segment: Path | None, form: str) -> None:
    """Write contacts to standard output: all, or those of a segment."""
    with unit_of_work() as session:
        chosen = None
        if segment is not None:
            chosen = exporting.chosen(session, _definition(segment))
        whom = "base" if chosen is None else "segment"
        access.record(session, Look.EXPORTED, "flask contacts export", subject=whom)
        for piece in exporting.export(session, Format(form), chosen):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@contacts.command("merge")
@click.argument("kept", type=int)
@click.argument("folded", type=int)
@click.option("--take", multiple=True, metavar="FIELD", help="A field whose value is taken from FOLDED; repeat it.")
def merge(kept: int, folded: int, take: tuple[str, ...]) -> None:
    """Merge the contact FOLDED into KEPT (their numbers), who are the same person.

    KEPT keeps its address and values; what it lacks is taken from FOLDED. What either refused holds for both.
    Prints {"kept", "folded"}. See "flask contacts unmerge".
    """
    with unit_of_work() as session:
        merging.merge(session, kept, folded, dict.fromkeys(take, "folded"))
    answer({"kept": kept, "folded": folded})


@contacts.command("unmerge")
@click.argument("folded", type=int)
def unmerge(folded: int) -> None:
    """Undo the merge of the contact FOLDED into another. Prints {"kept", "folded"}."""
    with unit_of_work() as session:
        kept = merging.undo(session, folded)
    answer({"kept": kept, "folded": folded})


def _definition(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{path} is no valid JSON: {error}") from None
    if not isinstance(loaded, dict):
        raise InvalidInput(f"{path} must hold a segment: a JSON object.")
    return loaded


def _run(batch_id: int, begun: float) -> None:
    click.echo(f"Import {batch_id}", err=True)
    done = importing.run(batch_id, lambda batch: click.echo(f"{batch.percent:3} %  {batch.rows} rows", err=True))
    if done.status != "done":
        raise InvalidInput(done.error or f"The import was stopped; go on with: flask contacts resume {batch_id}")
    answer(_summary(done, time.monotonic() - begun))


def _summary(batch: BatchInfo, seconds: float) -> dict[str, object]:
    return {
        "batch": batch.id,
        "dry_run": batch.dry_run,
        "rows": batch.rows,
        "added": batch.added,
        "updated": batch.updated,
        "unchanged": batch.unchanged,
        "permitted": batch.permitted,
        "rejected": batch.rejected,
        "refused": batch.refused,
        **({"preview": batch.preview} if batch.dry_run else {}),
        "mapping": batch.mapping,
        "seconds": round(seconds, 2),
    }


def _pairs(words: Sequence[str], hint: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if bad := [word for word, (_name, equals, _said) in zip(words, pairs, strict=True) if not equals]:
        raise click.BadParameter(f"{bad[0]!r} must be FIELD=RULE.", param_hint=hint)
    return {name.strip(): said.strip() for name, _equals, said in pairs}


def _given(maps: Sequence[str], shape: FileShape) -> dict[str, str]:
    given = {}
    for pair in maps:
        column, equals, target = pair.rpartition("=")
        if not equals or column not in shape.columns:
            raise click.BadParameter(
                f"{pair!r} must be COLUMN=FIELD; columns: {', '.join(shape.columns)}", param_hint="--map"
            )
        given[column] = target.strip()
    return given


COMMANDS: list[click.Command] = [contacts]
