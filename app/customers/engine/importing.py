"""Running an import: read rows, merge them, note the place, again and again until the file ends.

Every batch of rows is one transaction that holds its effects and the new place, so a process killed at any moment
leaves an import that the next process takes up where it was, with nothing done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from flask_babel import gettext as _
from psycopg import OperationalError

from app.core import log
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput, UserError
from app.customers.policy.rows import Person, RowReader, RowRefused
from app.customers.policy.values import DateOrder
from app.customers.queries import imports
from app.customers.queries.imports import BatchInfo
from app.customers.services.importing import batches, undoing
from app.customers.services.importing.batches import Refusal, Rows
from app.customers.services.importing.forgetting import forget_file
from app.customers.services.importing.records import Record, records
from app.customers.services.importing.source import open_source

# What makes messages come in a language; the factory gives it to processes that work for no request.
Speaking = Callable[[str], AbstractContextManager[None]]
_speaking: Speaking | None = None


def speak_with(speaking: Speaking) -> None:
    """Set what puts the reasons of refused rows into the language of who began the import."""
    global _speaking
    _speaking = speaking


def speaking(language: str) -> AbstractContextManager[None]:
    """Return what puts messages into ``language`` inside."""
    return _speaking(language) if _speaking else nullcontext()


BATCH = 10_000
logger = log.get("customers")


def run(batch_id: int, progress: Callable[[BatchInfo], None] | None = None) -> BatchInfo:
    """Run an import until it ends, is asked to stop, or cannot go on (``status`` of what is returned says which).

    ``progress`` is called behind each batch of rows. Failures of the database are raised: the job is then repeated.
    """
    with unit_of_work() as session:
        language = imports.batch(session, batch_id).language
    with speaking(language):
        return guarded(
            lambda: _run(batch_id, progress),
            lambda: _stands(batch_id),
            lambda why: _failed(batch_id, why),
            "import_failed",
            batch=batch_id,
        )


Read = TypeVar("Read")


def guarded(
    read: Callable[[], Read], stands: Callable[[], Read], failed: Callable[[str], Read], event: str, **about: int
) -> Read:
    """Return what ``read`` does, or what ``failed`` makes of the reason why it cannot go on.

    Where it is done already, or another process is at it, that one's word ``stands``. Failures of the database are
    raised; what nobody foresaw is logged as ``event``.
    """
    try:
        return read()
    except Conflict:
        return stands()
    except UserError as error:
        return failed(str(error))
    except Exception as error:
        if isinstance(error, OperationalError) or isinstance(error.__cause__, OperationalError):
            raise
        logger.exception(event, **about)
        return failed(f"{type(error).__name__}: {error}")


def _stands(batch_id: int) -> BatchInfo:
    with unit_of_work() as session:
        return imports.batch(session, batch_id)


def _run(batch_id: int, progress: Callable[[BatchInfo], None] | None) -> BatchInfo:
    with unit_of_work() as session:
        begun = batches.begin(session, batch_id)
        fields = batches.declared_fields(session)
        batch = imports.batch(session, batch_id)
    if not begun:
        return batch
    path = Path(batch.path)
    with open_source(path) as file:
        if path.stat().st_size != batch.size:
            raise InvalidInput(_("The file has changed since the import was begun: upload it again."))
        collector = Collector(
            RowReader(batch.columns, batch.mapping, fields, DateOrder(batch.date_order)),
            records(file, batch.codec, batch.delimiter, batch.position, batch.line),
            Seen() if batch.dry_run else None,
            batch.position,
            batch.line,
        )
        with _ahead(collector.collect) as next_rows:
            goes_on = True
            while goes_on:
                rows = next_rows()
                with unit_of_work() as session:
                    goes_on = batches.step(session, batch_id, rows, expected_position=batch.position)
                    batch = imports.batch(session, batch_id)
                if progress:
                    progress(batch)
    forget_file(batch)
    return batch


def undo(batch_id: int) -> BatchInfo:
    """Take an import back part by part, each a transaction with its place; a killed one goes on where it was."""
    with suppress(Conflict):  # another process is at it, or has ended it
        more = True
        while more:
            with unit_of_work() as session:
                more = undoing.step(session, batch_id)
    with unit_of_work() as session:
        return imports.batch(session, batch_id)


def _failed(batch_id: int, reason: str) -> BatchInfo:
    with unit_of_work() as session:
        batches.fail(session, batch_id, reason)
        return imports.batch(session, batch_id)


@contextmanager
def _ahead(collect: Callable[[], Rows]) -> Iterator[Callable[[], Rows]]:
    """Yield a function that returns the next rows, while a thread reads those behind them already: reading needs this
    process, merging keeps PostgreSQL busy. The thread speaks the same language (its context is a copy)."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(copy_context().run, collect)

        def next_rows() -> Rows:
            nonlocal upcoming
            rows = upcoming.result()
            if not rows.last:
                upcoming = pool.submit(copy_context().run, collect)
            return rows

        yield next_rows


class Seen:
    """Whom a dry run has met: it writes nobody down, so it must remember that a later row is about the same person.

    It needs some 110 bytes a person.
    """

    def __init__(self) -> None:
        self._said: dict[int, int] = {}

    def repeats(self, person: Person) -> bool | None:
        """None for somebody new; else whether this row says something else than their last one did."""
        said = hash((tuple(person.core), tuple(person.attributes.items()), tuple(person.tags)))
        key = int.from_bytes(person.address_key[:8])
        before = self._said.get(key)
        self._said[key] = said
        return None if before is None else before != said


@dataclass
class Collector:
    """Reads the next batch of rows from the file, each person once."""

    reader: RowReader
    source: Iterator[Record]
    seen: Seen | None
    position: int
    line: int

    def collect(self) -> Rows:
        """Return up to ``BATCH`` rows."""
        rows = Rows()
        people: dict[bytes, Person] = {}
        for record in islice(self.source, BATCH):
            rows.rows += 1
            self.position, self.line = record.position, record.lines
            if record.problem:
                rows.refusals.append(Refusal(record.line, "", record.problem, record.cells))
                continue
            try:
                person = self.reader.read(record.line, record.cells)
            except RowRefused as refused:
                rows.refusals.append(Refusal(record.line, refused.column, refused.reason, record.cells))
                continue
            self._add(person, people, rows)
        rows.position, rows.line, rows.last = self.position, self.line, rows.rows < BATCH
        rows.people = list(people.values())
        return rows

    def _add(self, person: Person, people: dict[bytes, Person], rows: Rows) -> None:
        earlier = people.get(person.address_key)
        if earlier is None:
            repeats = self.seen.repeats(person) if self.seen else None
            if repeats is None:
                people[person.address_key] = person
                return
        else:
            repeats = earlier.overlay(person)
        if repeats:
            rows.repeated_changed += 1
        else:
            rows.repeated_unchanged += 1
