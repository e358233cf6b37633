"""Reading a list of suppressed addresses batch by batch; each is one transaction that also notes the place behind it,
so a process killed at any moment leaves a list that the next one takes up where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from flask_babel import gettext as _

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.engine import importing
from app.customers.services.importing import forgetting
from app.customers.services.importing.records import Record, records
from app.customers.services.importing.source import open_source
from consent.policy.lists import ListReader
from consent.queries import lists as queries
from consent.queries.lists import ListInfo
from consent.services import lists
from consent.services.lists import Lines

BATCH = 20_000


def run(list_id: int, progress: Callable[[ListInfo], None] | None = None) -> ListInfo:
    """Read a list to its end; ``status`` of what is returned says whether that was possible.

    ``progress`` is called behind each batch. Failures of the database are raised: the job is then repeated.
    """
    with unit_of_work() as session:
        language = queries.one(session, list_id).language
    with importing.speaking(language):
        return importing.guarded(
            lambda: _run(list_id, progress),
            lambda: _stands(list_id),
            lambda why: _failed(list_id, why),
            "list_failed",
            list=list_id,
        )


def _stands(list_id: int) -> ListInfo:
    with unit_of_work() as session:
        return queries.one(session, list_id)


def _run(list_id: int, progress: Callable[[ListInfo], None] | None) -> ListInfo:
    with unit_of_work() as session:
        begun = lists.begin(session, list_id)
        found = queries.one(session, list_id)
    if not begun:
        return found
    path = Path(found.path)
    with open_source(path) as file:
        if path.stat().st_size != found.size:
            raise InvalidInput(_("The file has changed since it was given: give it again."))
        source = records(file, found.encoding, found.delimiter, found.position, found.line)
        reader, position, line = ListReader(), found.position, found.line
        last = False
        while not last:
            lines = _collect(source, reader, found.column, position, line)
            with unit_of_work() as session:
                lists.step(session, list_id, lines, expected_position=position)
                found = queries.one(session, list_id)
            position, line, last = lines.position, lines.line, lines.last
            if progress:
                progress(found)
    if path.parent == forgetting.folder():
        path.unlink(missing_ok=True)
    return found


def _collect(source: Iterator[Record], reader: ListReader, column: int, position: int, line: int) -> Lines:
    lines = Lines(position=position, line=line)
    for record in islice(source, BATCH):
        lines.rows += 1
        lines.position, lines.line = record.position, record.lines
        cell = record.cells[column] if len(record.cells) > column else ""
        if record.problem:
            lines.refused.append((record.line, record.problem, record.cells[0]))
            continue
        try:
            lines.listed.append(reader.read(cell))
        except InvalidInput as error:
            lines.refused.append((record.line, str(error), cell))
    lines.last = lines.rows < BATCH
    return lines


def _failed(list_id: int, reason: str) -> ListInfo:
    with unit_of_work() as session:
        lists.fail(session, list_id, reason)
        return queries.one(session, list_id)
