"""Reading a table record by record, with the place of each, in flat memory, whatever is in it.

A record that cannot be read (an open quote, a line without end) costs its first line only: reading goes on behind
it. The place (bytes and lines) after each record is exact, so that a later process can go on from there.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from flask_babel import gettext as _

_CHUNK = 1 << 20
MAX_LINE = 1 << 20  # bytes
_MAX_LINES = 200  # of one record: a longer one is an open quote
ROWS = ""  # the delimiter of a file of rows: one JSON list of cells a line, as ``converting`` writes them


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
        line = self._file.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.position += len(line)
        too_long = len(line) > MAX_LINE and not line.endswith(b"\n")
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
    if delimiter == ROWS:
        yield from _rows(lines)
        return
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


def _rows(lines: _Lines) -> Iterator[Record]:
    """The records of a file of rows: each a list of cells, or the text of one that could not be converted."""
    while True:
        begun = lines.number + 1
        lines.begin()
        try:
            text = next(lines)
        except StopIteration:
            return
        except _TooLong:
            first_line = lines.first_line[:2000].decode("utf-8", "replace")
            yield Record(begun, [first_line], _("The row is longer than 1 MB."), lines.position, lines.number)
            continue
        if not text.strip():
            continue
        cells = json.loads(text)
        if isinstance(cells, list):
            yield Record(begun, cells, "", lines.position, lines.number)
        else:
            yield Record(begun, [cells], _("The line is no JSON object."), lines.position, lines.number)


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
