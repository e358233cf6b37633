"""Reading a CSV file record by record, with the place of each, in flat memory, whatever is in it.

A record that cannot be read (an open quote, a line without end) costs its first line only: reading goes on behind
it. The place (bytes and lines) after each record is exact, so that a later process can go on from there.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.dialect import column_names, guess_delimiter, guess_encoding, is_header

_CHUNK = 1 << 20
_MAX_LINE = 1 << 20  # bytes
_MAX_LINES = 200  # of one record: a longer one is an open quote
SAMPLE_ROWS = 100


@dataclass(frozen=True)
class FileShape:
    """How a file is written and what its first rows hold. ``start`` is the byte at which the rows begin."""

    path: str
    size: int
    encoding: str
    delimiter: str
    header: bool
    columns: list[str]
    samples: list[list[str]]
    start: int
    start_line: int


@dataclass(frozen=True)
class Record:
    """One record: its first line's number and its cells; or, when it cannot be read, the ``problem`` and its first
    line as the only cell.

    ``position`` and ``lines`` say where the next record begins.
    """

    line: int
    cells: list[str]
    problem: str
    position: int
    lines: int


class _TooLong(Exception):
    """A line or a record goes on beyond any sense."""


class _Lines:
    """The lines of a file as text, counted; knows where it is and whether the last ones were damaged."""

    def __init__(self, file: BinaryIO, encoding: str, position: int, number: int) -> None:
        self._file = file
        self._encoding = encoding
        self.position = position
        self.number = number
        self.first = (position, number)
        self.first_line = b""
        self.budget = _MAX_LINES
        self.damaged = False
        file.seek(position)

    def begin(self) -> None:
        """A new record begins here."""
        self.first = (0, 0)
        self.budget = _MAX_LINES
        self.damaged = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(_MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.position += len(line)
        too_long = len(line) > _MAX_LINE and not line.endswith(b"\n")
        if too_long:
            self._skip()
        self.number += 1
        self.budget -= 1
        if not self.first[1]:
            self.first = (self.position, self.number)
            self.first_line = line
        if too_long or self.budget < 0:
            raise _TooLong
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError:
            self.damaged = True
            return line.decode(self._encoding, "replace")

    def _skip(self) -> None:
        while rest := self._file.readline(_CHUNK):
            self.position += len(rest)
            if rest.endswith(b"\n"):
                return

    def back_to_second(self) -> str:
        """Go back to where the record's second line begins; return the start of the first."""
        self.position, self.number = self.first
        self._file.seek(self.position)
        return self.first_line[:2000].decode(self._encoding, "replace").rstrip("\r\n")


def records(file: BinaryIO, encoding: str, delimiter: str, position: int = 0, line: int = 0) -> Iterator[Record]:
    """Yield the records of ``file`` from byte ``position``, before which there are ``line`` lines; blank ones are
    passed over."""
    lines = _Lines(file, encoding, position, line)
    while True:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        begun = lines.number + 1
        try:
            while True:
                begun = lines.number + 1
                lines.begin()
                cells = next(reader)
                if cells:
                    problem = _("The row holds bytes that are no text in this encoding.") if lines.damaged else ""
                    yield Record(begun, cells, problem, lines.position, lines.number)
        except StopIteration:
            return
        except (csv.Error, _TooLong) as error:
            first_line = lines.back_to_second()
            yield Record(begun, [first_line], _problem(error), lines.position, lines.number)


def _problem(error: Exception) -> str:
    text = str(error)
    if isinstance(error, _TooLong) or "larger than field limit" in text:
        reason = _("A cell does not end within 200 lines or 128 KB: look for a quotation mark that is never closed.")
    elif "unexpected end of data" in text:
        reason = _("A quotation mark is opened and never closed.")
    elif "expected after" in text:
        reason = _("Text stands behind a closing quotation mark: a quotation mark inside a cell is written twice.")
    else:
        reason = _("The row is no valid CSV (%(error)s).", error=text)
    return str(reason)


def open_source(path: Path) -> BinaryIO:
    """Open a file for reading. Raises ``InvalidInput`` when it is not there or cannot be read."""
    try:
        return path.open("rb", buffering=_CHUNK)
    except OSError as error:
        raise InvalidInput(
            _("The file %(path)s cannot be read: %(reason)s.", path=str(path), reason=error.strerror or "")
        ) from None


def inspect(path: Path, folder: Path) -> FileShape:
    """Find out how a file is written. One that is not in lines of UTF-8 or Windows-1252 is copied so into ``folder``.

    Raises ``InvalidInput`` for a file that cannot be read or holds no table.
    """
    with open_source(path) as file:
        encoding = guess_encoding(iter(lambda: file.read(_CHUNK), b""))
        file.seek(0)
        head = file.read(65536)
    if not head.strip():
        raise InvalidInput(_("The file is empty."))
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InvalidInput(_("This is a spreadsheet, not a CSV file: save it as CSV UTF-8 and import that."))
    mac = b"\r" in head and b"\n" not in head and not encoding.startswith("utf-16")
    if encoding.startswith(("utf-16", "utf-32")) or mac:
        path, encoding = _converted(path, folder, encoding), "utf-8"
        with path.open("rb") as file:
            head = file.read(65536)
    start = 3 if encoding == "utf-8-sig" else 0
    encoding = "utf-8" if start else encoding
    return _shape(path, encoding, guess_delimiter(head[start:].decode(encoding, "replace")), start)


def _shape(path: Path, encoding: str, delimiter: str, start: int) -> FileShape:
    with path.open("rb") as file:
        rows = []
        for record in records(file, encoding, delimiter, start):
            rows.append(record)
            if len(rows) > SAMPLE_ROWS:
                break
    first = next((row for row in rows if not row.problem), None)
    if first is None or first is not rows[0]:
        raise InvalidInput(
            _("Line %(line)d, where the columns should be named: %(reason)s", line=rows[0].line, reason=rows[0].problem)
            if rows
            else _("The file holds no rows.")
        )
    header = is_header(first.cells)
    samples = [row.cells for row in rows[1 if header else 0 :] if not row.problem]
    if len(first.cells) > 1000:
        raise InvalidInput(_("The file has %(n)d columns; at most 1,000 can be imported.", n=len(first.cells)))
    return FileShape(
        path=str(path),
        size=path.stat().st_size,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        columns=column_names(first.cells, header=header),
        samples=samples[:SAMPLE_ROWS],
        start=first.position if header else start,
        start_line=first.lines if header else 0,
    )


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Put a control character in the place of bytes that are no text: the cell it stands in is then refused."""
    assert isinstance(error, UnicodeDecodeError)
    return "\x1a", error.end


codecs.register_error("permesso.mark", _mark)


def _converted(path: Path, folder: Path, encoding: str) -> Path:
    """Copy a file into ``folder`` as UTF-8 with Unix line ends, piece by piece."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.stem[:80]}.{os.getpid()}.{path.stat().st_mtime_ns}.utf8.csv"
    with path.open("rb") as binary, target.open("w", encoding="utf-8", newline="") as out:
        text = io.TextIOWrapper(binary, encoding=encoding, errors="permesso.mark", newline=None)
        while piece := text.read(_CHUNK):
            out.write(piece.removeprefix("\ufeff"))
    return target
