"""Reading a spreadsheet (XLSX, ISO/IEC 29500) row by row into a file of rows.

An XLSX file is a ZIP archive of XML: what is unpacked is bounded before it is unpacked, entities are refused
(``defusedxml``), and the size a sheet claims to have is not believed. Formulas are never run: their last result counts.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml.common import DefusedXmlException
from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.cells import cell
from app.customers.services.importing.converting import MAX_COLUMNS, encode, target

MAX_ROWS = 1 << 20  # what the format allows in a sheet
_MAX_SHEET = 2 << 30  # bytes unpacked; it is streamed
_MAX_PART = 64 << 20  # bytes unpacked of any other part: these are held in memory
_MAX_PARTS = 10_000
# Texts of tables shrink 5 to 40 times; a bomb some 1,000 times.
_MAX_RATIO = 200
_RATIO_FROM = 16 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    DefusedXmlException,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    NotImplementedError,
    EOFError,
    OSError,
)


def to_rows(path: Path, folder: Path) -> Path:
    """Copy the first sheet that holds anything into ``folder`` as rows, row for row. Raises ``InvalidInput``."""
    found = target(path, folder, "rows")
    try:
        check(path)
        with found.open("w", encoding="utf-8", newline="\n") as out:
            for row in _rows(path):
                out.write((encode(row) if row else "") + "\n")
    except BaseException as error:
        found.unlink(missing_ok=True)
        if isinstance(error, _DAMAGE):
            raise InvalidInput(_("The spreadsheet is damaged or of another kind: save it as CSV.")) from error
        raise
    return found


def check(path: Path) -> None:
    """Raise ``InvalidInput`` for an archive that is no spreadsheet, or would unpack beyond any sense."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    if not any(part.filename.startswith("xl/workbook.") for part in parts):
        raise InvalidInput(_("This is an archive, not a table: unpack it and import the file inside."))
    large = len(parts) > _MAX_PARTS
    for part in parts:
        sheet = part.filename.startswith("xl/worksheets/")
        ratio = part.file_size / max(part.compress_size, 1)
        large |= part.file_size > (_MAX_SHEET if sheet else _MAX_PART)
        large |= part.file_size > _RATIO_FROM and ratio > _MAX_RATIO
    if large:
        raise InvalidInput(_("The spreadsheet unpacks to far more than its size: save it as CSV and import that."))


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield the cells of each row as texts, as wide as the first one that holds any; blank rows are empty."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            any_cell, width = False, 0
            for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                if number > MAX_ROWS:
                    raise InvalidInput(_("The sheet has more rows than a spreadsheet can hold."))
                row = _texts(values)
                if row and not any_cell:
                    any_cell, width = True, len(row)
                yield row + [""] * (width - len(row)) if row else row
            if any_cell:
                return
    finally:
        book.close()


def _texts(values: Sequence[object]) -> list[str]:
    row = [cell(value) for value in values]
    while row and not row[-1].strip():
        row.pop()
    if len(row) > MAX_COLUMNS:
        raise InvalidInput(_("The file has %(n)d columns; at most 1,000 can be imported.", n=len(row)))
    return row
