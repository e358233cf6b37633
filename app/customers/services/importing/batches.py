"""The life of an import: made, mapped, started, stopped, resumed. ``step`` brings it one batch of rows forward."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import driver
from app.core.errors import Conflict, InvalidInput, NotFound
from app.customers.models import ImportBatch
from app.customers.policy import mapping as mappings
from app.customers.policy import rules as rules_
from app.customers.policy.mapping import Declared
from app.customers.policy.rows import Person
from app.customers.policy.values import DateOrder
from app.customers.queries.fields import dictionary
from app.customers.services.importing import remembering, trying
from app.customers.services.importing.merge import Merged, MergeTerms, merge
from app.customers.services.importing.source import FileShape
from app.customers.services.importing.terms import Departures, PermissionTerms, bases

LEVELS = ("opt_out", "passive", "opt_in", "confirmed")
BASES = ("consent", "soft_opt_in", "charity_support", "b2b_interest", "implied_purchase", "implied_inquiry")


@dataclass(frozen=True)
class Statement:
    """What the importer states: the permission (all blank for none) with the conditions of its basis, and where the
    people come from."""

    topic_id: int | None = None
    level: str = ""
    basis: str = ""
    source: str = ""
    evidence: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """A row that was not imported."""

    line: int
    column: str
    reason: str
    cells: list[str]


@dataclass
class Rows:
    """Rows read from the file, ready to be merged: people (each once), refusals, and the place behind them."""

    people: list[Person] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    rows: int = 0
    repeated_changed: int = 0
    repeated_unchanged: int = 0
    position: int = 0
    line: int = 0
    last: bool = False


def declared_fields(session: Session) -> list[Declared]:
    """Return the field dictionary as mappings see it."""
    return [Declared(f.name, f.kind, f.choices, (*f.labels.values(), *f.titles)) for f in dictionary(session)]


def create(
    session: Session, shape: FileShape, filename: str, *, language: str = "en", created_by: int | None = None
) -> int:
    """Make an import that waits to be mapped, with the mapping that suggests itself: that of the latest import of a
    file with the same columns, else by the columns' titles. Returns its id."""
    fields = declared_fields(session)
    before = remembering.latest(session, shape.columns)
    known = {*mappings.CORE_TARGETS, *(field.name for field in fields)}
    row = ImportBatch(filename=filename, source="", created_by=created_by)
    _read_as(row, shape)
    row.mapping = (
        remembering.mapping(before, known) if before else mappings.suggest(shape.columns, shape.samples, fields)
    )
    row.options = {
        **row.options,
        "date_order": before.options["date_order"] if before else DateOrder.CLEAR.value,
        "rules": before.options.get("rules", {}) if before else {},
        "like": before.id if before else None,
        "language": language,
    }
    session.add(row)
    session.flush()
    return row.id


def read_as(session: Session, batch_id: int, shape: FileShape) -> None:
    """Take a waiting import's file as it was read anew, with the mapping that now suggests itself. Raises
    ``Conflict``."""
    row = locked(session, batch_id)
    if row.status != "waiting" or row.source:
        raise Conflict(_("This import has begun; only one that waits can be changed."))
    _read_as(row, shape)
    row.mapping = mappings.suggest(shape.columns, shape.samples, declared_fields(session))
    session.flush()


def _read_as(row: ImportBatch, shape: FileShape) -> None:
    row.path, row.size, row.position, row.line = shape.path, shape.size, shape.start, shape.start_line
    read = {
        "form": shape.form,
        "original": shape.original,
        "codec": shape.codec,
        "encoding": shape.encoding,
        "delimiter": shape.delimiter,
        "header": shape.header,
        "columns": shape.columns,
        "start": shape.start,
        "start_line": shape.start_line,
    }
    row.options = {**(row.options or {}), **read}


def prepare(
    session: Session,
    batch_id: int,
    mapping: Mapping[str, str],
    statement: Statement,
    *,
    dry_run: bool = False,
    date_order: DateOrder = DateOrder.CLEAR,
    rules: Mapping[str, str] | None = None,
) -> None:
    """Set how a waiting import is done, and put it at its beginning. ``rules`` (target → ``policy.rules.Rule``) say
    what happens to values that are there; what is not named is overwritten.

    Raises ``InvalidInput``, ``Conflict``.
    """
    row = locked(session, batch_id)
    if row.status not in ("waiting", "done", "failed") or (row.status == "done" and not row.dry_run):
        raise Conflict(_("This import has begun; only one that waits can be changed."))
    kept = {column: target for column, target in mapping.items() if target}
    mappings.check(kept, row.options["columns"], declared_fields(session))
    _check(statement)
    row.mapping = kept
    stated = {name: _kept(said.strip()) for name, said in statement.conditions.items() if said.strip()}
    kept_rules = rules_.check(rules or {}, kept)
    row.options = {**row.options, "date_order": date_order.value, "conditions": stated, "rules": kept_rules}
    row.topic_id, row.level, row.basis = statement.topic_id, statement.level or None, statement.basis or None
    row.source, row.evidence = statement.source.strip(), statement.evidence.strip()
    row.dry_run = dry_run
    _rewind(session, row)


def _rewind(session: Session, row: ImportBatch) -> None:
    session.execute(text("DELETE FROM import_reject WHERE batch_id = :id"), {"id": row.id})
    row.position, row.line = row.options["start"], row.options["start_line"]
    row.rows = row.added = row.updated = row.unchanged = row.permitted = row.rejected = 0
    row.refused, row.preview, row.error, row.started_at, row.finished_at = {}, [], None, None, None
    row.status = "waiting"
    session.flush()


def _check(statement: Statement) -> None:
    if not statement.source.strip():
        raise InvalidInput(_("Say where these people come from."), field="source")
    if statement.topic_id is None:
        return
    if statement.level not in LEVELS:
        raise InvalidInput(_("The level must be one of: %(levels)s.", levels=", ".join(LEVELS)), field="level")
    if statement.basis not in BASES:
        raise InvalidInput(_("The basis must be one of: %(bases)s.", bases=", ".join(BASES)), field="basis")
    if statement.level == "confirmed" and not statement.evidence.strip():
        raise InvalidInput(
            _("Confirmed permission needs evidence: say where the confirmations are kept."), field="evidence"
        )
    if found := bases.get(statement.basis):
        found.check(statement.conditions)


def begin(session: Session, batch_id: int) -> bool:
    """Mark an import as running (again); False when it was asked to stop. Raises ``Conflict`` when it is done."""
    row = locked(session, batch_id)
    if row.status in ("done", "undoing", "undone"):
        raise Conflict(_("This import is done."))
    row.status = "stopped" if row.status in ("stopping", "stopped") else "running"
    row.error = None
    row.started_at = row.started_at or clock.now()
    session.flush()
    return row.status == "running"


def resume(session: Session, batch_id: int) -> None:
    """Make an import that was stopped or failed ready to go on where it was. Raises ``Conflict``."""
    row = locked(session, batch_id)
    if row.status not in ("stopped", "failed"):
        raise Conflict(_("Only an import that was stopped or failed can be resumed."))
    row.status, row.error = "waiting", None
    session.flush()


def request_stop(session: Session, batch_id: int) -> None:
    """Ask a running import to stop behind the rows it is at; one that waits stops at once."""
    row = locked(session, batch_id)
    if row.status == "running":
        row.status = "stopping"
    elif row.status == "waiting":
        row.status = "stopped"
    session.flush()


def fail(session: Session, batch_id: int, error: str) -> None:
    """Note why an import cannot go on; it can be resumed when that is mended."""
    row = locked(session, batch_id)
    row.status, row.error = "failed", error[:2000]
    session.flush()


def terms(row: ImportBatch) -> PermissionTerms | None:
    """Return what a batch states about permission, None when it gives none."""
    if row.topic_id is None or row.level is None or row.basis is None:
        return None
    at = row.started_at or clock.now()
    language = str(row.options.get("language", "en"))
    stated = row.options.get("conditions", {})
    return PermissionTerms(row.id, row.topic_id, row.level, row.basis, row.source, row.evidence, at, language, stated)


def step(session: Session, batch_id: int, rows: Rows, *, expected_position: int) -> bool:
    """Merge ``rows`` and note the place behind them, in one transaction; tell whether the import goes on.

    Raises ``Conflict`` when the import is not at ``expected_position``: another process is at it.
    """
    row = locked(session, batch_id)
    if row.position != expected_position or row.status not in ("running", "stopping"):
        raise Conflict(_("This import is being run by another process."))
    merged = _merge(session, row, rows)
    refusals = [*rows.refusals, *_barred(rows, merged)]
    _store(session, batch_id, refusals)
    row.rows += rows.rows
    row.added += merged.added
    row.updated += merged.updated + rows.repeated_changed
    row.unchanged += merged.unchanged + rows.repeated_unchanged
    row.permitted += merged.permitted
    row.rejected += len(refusals)
    row.refused = {
        reason: row.refused.get(reason, 0) + merged.refused.get(reason, 0)
        for reason in dict.fromkeys([*row.refused, *merged.refused])
    }
    row.position, row.line = rows.position, rows.line
    if rows.last:
        row.status, row.finished_at = "done", clock.now()
    elif row.status == "stopping":
        row.status = "stopped"
    session.flush()
    return row.status == "running"


def _merge(session: Session, row: ImportBatch, rows: Rows) -> Merged:
    terms_ = _merge_terms(row)
    if not row.dry_run:
        return merge(session, rows.people, terms_)
    merged, found = trying.try_out(session, rows.people, terms_, trying.PREVIEWED - len(row.preview))
    row.preview = [*row.preview, *found]
    return merged


def _merge_terms(row: ImportBatch) -> MergeTerms:
    begun = row.started_at or clock.now()
    left = Departures(row.id, row.topic_id, row.source, begun, str(row.options.get("language", "en")))
    return MergeTerms(row.id, clock.now(), row.source, row.options.get("rules", {}), terms(row), left)


def _barred(rows: Rows, merged: Merged) -> list[Refusal]:
    reason = _("This address was erased at its owner's request and must not be added again.")
    return [
        Refusal(person.line, "", reason, [person.email])
        for person in rows.people
        if person.address_key in merged.barred
    ]


def _store(session: Session, batch_id: int, refusals: Sequence[Refusal]) -> None:
    if not refusals:
        return
    statement = 'COPY import_reject (batch_id, line, "column", reason, row) FROM STDIN'
    with driver(session).cursor().copy(statement) as copy:
        for refusal in refusals:
            cells = json.dumps([_kept(cell) for cell in refusal.cells[:1000]], ensure_ascii=False)
            copy.write_row((batch_id, refusal.line, refusal.column, _kept(refusal.reason), cells))


def _kept(cell: str) -> str:
    """A cell as PostgreSQL can keep it, short."""
    return cell[:2000].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def locked(session: Session, batch_id: int) -> ImportBatch:
    row = session.scalars(
        select(ImportBatch)
        .where(ImportBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(_("There is no import %(id)s.", id=batch_id))
    return row
