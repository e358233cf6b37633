"""Writing a table as a spreadsheet (XLSX) row by row: openpyxl keeps no more than a row in memory.

What a cell holds is text or a number, never a formula: an XLSX file would run text that begins with ``=``, so such
text comes guarded (``exporting.guard_formula``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

MAX_ROWS = 1 << 20  # of a sheet, as the format allows
_PIECE = 1 << 16


def write(titles: Sequence[str], rows: Iterable[Sequence[str]], numeric: Collection[int] = ()) -> Iterator[bytes]:
    """Yield the bytes of a workbook. The columns ``numeric`` hold numbers where they can be read as such. What does not
    fit on a sheet goes on on the next one, under the same titles."""
    book = openpyxl.Workbook(write_only=True)
    rest = iter(rows)
    more = True
    while more:
        sheet = book.create_sheet()
        sheet.append(list(titles))
        more = False
        for row in islice(rest, MAX_ROWS - 1):
            sheet.append([_cell(text, index in numeric) for index, text in enumerate(row)])
        if (after := next(rest, None)) is not None:
            rest, more = chain([after], rest), True
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _cell(text: str, number: bool) -> str | float | None:
    if number and text:
        try:
            return float(text)
        except ValueError:
            pass
    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", text) or None
