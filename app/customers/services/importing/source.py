"""Finding out how a file is written: its kind, encoding, delimiter, columns and first rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.dialect import column_names, guess_delimiter, guess_encoding, is_header, is_object
from app.customers.services.importing import converting, spreadsheet
from app.customers.services.importing.records import ROWS, Record, records

_CHUNK = 1 << 20
SAMPLE_ROWS = 100
CSV, JSON_LINES, XLSX = "csv", "jsonl", "xlsx"


@dataclass(frozen=True)
class Reading:
    """How a file is to be read where somebody knows better than what was found; None leaves it to be found."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class FileShape:
    """How a file is written and what its first rows hold. ``start`` is the byte at which the rows begin.

    ``path`` is what is read, ``original`` what was given: they differ for files that had to be converted first.
    ``form`` and ``encoding`` are those of the original; ``codec`` and ``delimiter`` those of what is read.
    """

    path: str
    size: int
    encoding: str
    delimiter: str
    header: bool
    columns: list[str]
    samples: list[list[str]]
    start: int
    start_line: int
    form: str = CSV
    original: str = ""
    codec: str = "utf-8"


def open_source(path: Path) -> BinaryIO:
    """Open a file for reading. Raises ``InvalidInput`` when it is not there or cannot be read."""
    try:
        return path.open("rb", buffering=_CHUNK)
    except OSError as error:
        raise InvalidInput(
            _("The file %(path)s cannot be read: %(reason)s.", path=str(path), reason=error.strerror or "")
        ) from None


def inspect(path: Path, folder: Path, reading: Reading | None = None) -> FileShape:
    """Find out how a file is written. One that cannot be read line by line (a spreadsheet, UTF-16, JSON) is copied
    into ``folder`` in a form that can.

    Raises ``InvalidInput`` for a file that cannot be read or holds no table.
    """
    given = reading or Reading()
    with open_source(path) as file:
        head = file.read(65536)
        if not head.strip():
            raise InvalidInput(_("The file is empty."))
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            raise InvalidInput(_("This is an old or protected spreadsheet: save it as XLSX or CSV without a password."))
        if head.startswith(b"PK\x03\x04"):
            rows = spreadsheet.to_rows(path, folder)
            return _shape(path, rows, XLSX, "utf-8", "utf-8", ROWS, 0, given.header)
        file.seek(0)
        encoding = given.encoding or guess_encoding(iter(lambda: file.read(_CHUNK), b""))
    if is_object(head, encoding):
        rows = converting.json_to_rows(path, folder, encoding)
        return _shape(path, rows, JSON_LINES, encoding, "utf-8", ROWS, 0, True)
    return _table(path, folder, head, encoding, given)


def _table(path: Path, folder: Path, head: bytes, encoding: str, given: Reading) -> FileShape:
    mac = b"\r" in head and b"\n" not in head and not encoding.startswith("utf-16")
    read, codec = path, encoding
    if encoding.startswith(("utf-16", "utf-32")) or mac:
        read, codec = converting.to_utf8(path, folder, encoding), "utf-8"
        with read.open("rb") as file:
            head = file.read(65536)
    start = 3 if head.startswith(b"\xef\xbb\xbf") and codec.startswith("utf-8") else 0
    codec = "utf-8" if codec == "utf-8-sig" else codec
    shown = "utf-8" if encoding == "utf-8-sig" else encoding
    delimiter = given.delimiter or guess_delimiter(head[start:].decode(codec, "replace"))
    return _shape(path, read, CSV, shown, codec, delimiter, start, given.header)


def _shape(
    original: Path, path: Path, form: str, encoding: str, codec: str, delimiter: str, start: int, header: bool | None
) -> FileShape:
    with path.open("rb") as file:
        rows = list(islice(records(file, codec, delimiter, start), SAMPLE_ROWS + 1))
    first = next((row for row in rows if not row.problem), None)
    if first is None or first is not rows[0]:
        raise InvalidInput(
            _("Line %(line)d, where the columns should be named: %(reason)s", line=rows[0].line, reason=rows[0].problem)
            if rows
            else _("The file holds no rows.")
        )
    titled = is_header(first.cells) if header is None else header
    samples = [row.cells for row in rows[1 if titled else 0 :] if not row.problem]
    if len(first.cells) > converting.MAX_COLUMNS:
        raise InvalidInput(_("The file has %(n)d columns; at most 1,000 can be imported.", n=len(first.cells)))
    return FileShape(
        path=str(path),
        size=path.stat().st_size,
        encoding=encoding,
        delimiter=delimiter,
        header=titled,
        columns=column_names(first.cells, header=titled),
        samples=samples[:SAMPLE_ROWS],
        start=first.position if titled else start,
        # The line of keys that stands before converted objects is ours, not the file's.
        start_line=0 if not titled or form == JSON_LINES else first.lines,
        form=form,
        original=str(original),
        codec=codec,
    )


def rows_of(path: Path, codec: str, delimiter: str, start: int, line: int) -> Iterator[Record]:
    """Yield the rows of a file that was inspected before, from its first one on."""
    with open_source(path) as file:
        yield from records(file, codec, delimiter, start, line)
