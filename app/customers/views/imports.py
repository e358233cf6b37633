"""Imports: upload, mapping, preview, progress, what was refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, current_user
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.core.jobs import enqueue
from app.customers.forms import (
    BASES,
    DATE_ORDERS,
    DELIMITERS,
    ENCODINGS,
    LEVELS,
    RULELESS,
    RULES,
    TARGETS,
    UploadForm,
)
from app.customers.policy.platforms import recognise
from app.customers.policy.rules import Rule
from app.customers.policy.values import DateOrder, show
from app.customers.queries import fields as field_queries
from app.customers.queries import imports
from app.customers.queries.imports import BatchInfo
from app.customers.services.exporting import guard_formula
from app.customers.services.importing import batches, conditions_of, forgetting, topics, undoing
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.declaring import declare_columns
from app.customers.services.importing.source import SAMPLE_ROWS, Reading, inspect, rows_of
from app.customers.tasks import run_import, undo_import
from app.customers.views.contacts import language
from app.customers.views.uploads import kept

blueprint = Blueprint("imports", __name__, url_prefix="/contacts/imports")
SHOWN_REJECTS = 20


@blueprint.get("")
@allows(Role.MARKETER)
def index() -> ResponseReturnValue:
    """List imports, and take a file."""
    return _index(UploadForm(formdata=None))


def _index(form: UploadForm) -> str:
    with unit_of_work() as session:
        found = imports.latest(session)
    return render_template("web/customers/imports.html", imports=found, form=form)


@blueprint.post("")
@allows(Role.MARKETER)
def upload() -> ResponseReturnValue:
    """Keep the file, look how it is written, and go on to the mapping."""
    form = UploadForm()
    file = request.files.get("file")
    if file is None or not file.filename:
        form.file.errors = [_("Choose a file first.")]
        return _index(form), 422
    path = kept(file, "people.csv")
    try:
        shape = inspect(path, path.parent)
    except InvalidInput as error:
        path.unlink()
        form.file.errors = [str(error)]
        return _index(form), error.status
    with unit_of_work() as session:
        batch_id = batches.create(
            session, shape, file.filename[:200], language=language(), created_by=current_user().id
        )
        audit.record(session, "upload", "import", batch_id, detail={"file": file.filename[:200]})
    return redirect(url_for(".page", batch_id=batch_id))


@blueprint.get("/<int:batch_id>")
@allows(Role.MARKETER)
@shows_people(Look.IMPORTED)
def page(batch_id: int) -> ResponseReturnValue:
    """Show an import: its mapping while it waits, else how far it is and what came of it."""
    with unit_of_work() as session:
        batch = imports.batch(session, batch_id)
    if (batch.status == "waiting" and not batch.prepared) or request.args.get("map"):
        return _mapping(batch, dict(batch.mapping), batch.rules, batch, "")
    return _result(batch)


def _samples(batch: BatchInfo) -> list[list[str]]:
    """The first rows of an import's file."""
    path = Path(batch.path)
    if not path.exists():
        raise InvalidInput(_("The file of this import is no longer there: upload it again."))
    rows = rows_of(path, batch.codec, batch.delimiter, batch.start, batch.start_line)
    return [row.cells for row in islice(rows, SAMPLE_ROWS) if not row.problem]


def _mapping(
    batch: BatchInfo,
    mapping: dict[str, str],
    rules: dict[str, str],
    terms: object,
    problem: str,
    field: str = "",
) -> str:
    samples = _samples(batch)
    saw(people=len(samples), subject="import", subject_id=batch.id)
    with unit_of_work() as session:
        offered = topics(session, language())
        declared = field_queries.dictionary(session)
        like = imports.batch(session, batch.like) if batch.like else None
    targets = [*TARGETS.items(), *((f.name, f.label(language())) for f in declared)]
    columns = [
        (number, column, [row[number] for row in samples if len(row) > number and row[number].strip()][:3])
        for number, column in enumerate(batch.columns)
    ]
    return render_template(
        "web/customers/mapping.html",
        batch=batch,
        columns=columns,
        mapping=mapping,
        rules=rules,
        rule_names=RULES,
        ruleless=RULELESS,
        targets=targets,
        encodings=ENCODINGS,
        delimiters=DELIMITERS,
        platform=recognise(batch.columns),
        like=like,
        topics=offered,
        levels=LEVELS,
        bases=BASES,
        asked={basis: conditions_of(basis) for basis in BASES if conditions_of(basis)},
        date_orders=DATE_ORDERS,
        terms=terms,
        problem=problem,
        problem_field=field,
    )


@blueprint.post("/<int:batch_id>/start")
@allows(Role.MARKETER)
@shows_people(Look.IMPORTED)
def start(batch_id: int) -> ResponseReturnValue:
    """Set the mapping and the terms, and start the import or its dry run."""
    with unit_of_work() as session:
        batch = imports.batch(session, batch_id)
    mapping = {column: request.form.get(f"column-{number}", "") for number, column in enumerate(batch.columns)}
    rules = _rules(mapping)
    statement = _statement()
    try:
        with unit_of_work() as session:
            if new := [column for column, target in mapping.items() if target == "+"]:
                mapping |= declare_columns(session, batch, new)
                rules = _rules(mapping)
            order = DateOrder(request.form.get("date_order", DateOrder.CLEAR.value))
            dry_run = request.form.get("run") != "now"
            batches.prepare(session, batch_id, mapping, statement, dry_run=dry_run, date_order=order, rules=rules)
            enqueue(session, run_import, batch_id)
            audit.record(session, "dry run" if dry_run else "start", "import", batch_id)
    except InvalidInput as error:
        return _mapping(batch, mapping, rules, statement, str(error), error.field or ""), error.status
    return redirect(url_for(".page", batch_id=batch_id))


def _rules(mapping: dict[str, str]) -> dict[str, str]:
    """What the form says about values that are there: target → rule, for those that a rule can concern."""
    return {
        target: request.form.get(f"rule-{number}", Rule.OVERWRITE.value)
        for number, target in enumerate(mapping.values())
        if target and target != "+" and target not in RULELESS
    }


@blueprint.post("/<int:batch_id>/read")
@allows(Role.MARKETER)
@shows_people(Look.IMPORTED)
def read(batch_id: int) -> ResponseReturnValue:
    """Read the file of an import that waits as somebody says it is written."""
    header = {"yes": True, "no": False}.get(request.form.get("header", ""))
    reading = Reading(request.form.get("encoding") or None, request.form.get("delimiter") or None, header)
    with unit_of_work() as session:
        batch = imports.batch(session, batch_id)
    try:
        if reading.encoding not in (None, *ENCODINGS) or reading.delimiter not in (None, *DELIMITERS):
            raise InvalidInput(_("Choose an encoding and a delimiter from the list."))
        shape = inspect(Path(batch.original or batch.path), forgetting.folder(), reading)
        with unit_of_work() as session:
            batches.read_as(session, batch_id, shape)
    except InvalidInput as error:
        return _mapping(batch, dict(batch.mapping), batch.rules, batch, str(error)), error.status
    return redirect(url_for(".page", batch_id=batch_id))


def _statement() -> Statement:
    topic_id = request.form.get("topic_id", type=int)
    basis = request.form.get("basis", "") if topic_id else ""
    return Statement(
        topic_id,
        request.form.get("level", "") if topic_id else "",
        basis,
        request.form.get("source", ""),
        request.form.get("evidence", ""),
        {asked.name: request.form.get(f"condition-{basis}-{asked.name}", "")[:1000] for asked in conditions_of(basis)},
    )


@blueprint.post("/<int:batch_id>/apply")
@allows(Role.MARKETER)
def apply(batch_id: int) -> ResponseReturnValue:
    """Do for real what a dry run tried."""
    with unit_of_work() as session:
        batch = imports.batch(session, batch_id)
        statement = Statement(
            batch.topic_id, batch.level or "", batch.basis or "", batch.source, batch.evidence, batch.conditions
        )
        order = DateOrder(batch.date_order)
        batches.prepare(session, batch_id, batch.mapping, statement, dry_run=False, date_order=order, rules=batch.rules)
        enqueue(session, run_import, batch_id)
        audit.record(session, "start", "import", batch_id)
    return redirect(url_for(".page", batch_id=batch_id))


@blueprint.post("/<int:batch_id>/stop")
@allows(Role.MARKETER)
def stop(batch_id: int) -> ResponseReturnValue:
    """Ask a running import to stop."""
    with unit_of_work() as session:
        batches.request_stop(session, batch_id)
        audit.record(session, "stop", "import", batch_id)
    return redirect(url_for(".page", batch_id=batch_id))


@blueprint.post("/<int:batch_id>/resume")
@allows(Role.MARKETER)
def resume(batch_id: int) -> ResponseReturnValue:
    """Go on with an import that was stopped or failed."""
    with unit_of_work() as session:
        batches.resume(session, batch_id)
        enqueue(session, run_import, batch_id)
        audit.record(session, "resume", "import", batch_id)
    flash(_("The import goes on."), "success")
    return redirect(url_for(".page", batch_id=batch_id))


@blueprint.post("/<int:batch_id>/undo")
@allows(Role.MARKETER)
def undo(batch_id: int) -> ResponseReturnValue:
    """Take an import back."""
    with unit_of_work() as session:
        undoing.request(session, batch_id, current_user().id)
        enqueue(session, undo_import, batch_id)
        audit.record(session, "undo", "import", batch_id)
    return redirect(url_for(".page", batch_id=batch_id))


@blueprint.get("/<int:batch_id>/progress")
@allows(Role.MARKETER)
@shows_people(Look.IMPORTED)
def progress(batch_id: int) -> ResponseReturnValue:
    """The moving part of the page (htmx)."""
    with unit_of_work() as session:
        batch = imports.batch(session, batch_id)
    return _result(batch, template="web/customers/_import.html")


def _result(batch: BatchInfo, template: str = "web/customers/import.html") -> str:
    with unit_of_work() as session:
        refused = list(imports.rejects(session, batch.id, SHOWN_REJECTS)) if batch.rejected else []
        topic = next((t for t in topics(session, language()) if t.id == batch.topic_id), None)
        declared = {f.name: f.label(language()) for f in field_queries.dictionary(session)} if batch.preview else {}
    if shown := len(refused) + len(batch.preview):
        saw(people=shown, subject="import", subject_id=batch.id)
    stated = [(asked.label, batch.conditions.get(asked.name, "–")) for asked in conditions_of(batch.basis or "")]
    return render_template(
        template,
        batch=batch,
        rejects=refused,
        topic=topic,
        levels=LEVELS,
        bases=BASES,
        stated=stated,
        preview=[(row, _shown(row["changes"], declared)) for row in batch.preview],
    )


def _shown(changes: dict[str, list[Any]], declared: dict[str, str]) -> list[tuple[object, str, str]]:
    """What a dry run would change about somebody: label, value before, value after."""
    names = {**declared, **TARGETS, "name": _("Name")}
    return [(names.get(name, name), show(before), show(after)) for name, (before, after) in changes.items()]


@blueprint.get("/<int:batch_id>/rejects.csv")
@allows(Role.MARKETER)
@shows_people(Look.IMPORTED)
def rejects(batch_id: int) -> ResponseReturnValue:
    """Download the refused rows with line, column and reason, ready to be mended and imported again."""
    with unit_of_work() as session:
        batch = imports.batch(session, batch_id)
    saw(people=batch.rejected, subject="import", subject_id=batch_id)
    headers = {"Content-Disposition": f'attachment; filename="refused-{batch_id}.csv"'}
    return Response(_reject_lines(batch), mimetype="text/csv; charset=utf-8", headers=headers)


def _reject_lines(batch: BatchInfo) -> Iterator[str]:
    """The refused rows as CSV, a thousand at a time, each in its own short transaction."""
    title = [_("line"), _("column"), _("reason"), *batch.columns]
    yield "\ufeff" + _csv_line(title)
    behind = 0
    while True:
        with unit_of_work() as session:
            found = list(imports.rejects(session, batch.id, 1000, behind=behind))
        yield "".join(_csv_line([str(r.line), r.column, r.reason, *r.cells]) for r in found)
        if len(found) < 1000:
            return
        behind = found[-1].line


def _csv_line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([guard_formula(cell) for cell in cells])
    return out.getvalue()
