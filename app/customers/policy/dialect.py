"""How a text table is written: its encoding, its delimiter, whether its first row names the columns. All pure."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence

DELIMITERS = (",", ";", "\t", "|")
_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+\Z")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def guess_encoding(chunks: Iterable[bytes]) -> str:
    """Return the encoding of a file given in pieces: by its mark, by its zero bytes, by being UTF-8 or not.

    A file that holds good multi-byte UTF-8 before its first bad byte is UTF-8 with damaged rows; one that breaks at
    its first byte over 127 was written by an older Windows program.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = True
    multi_byte = False
    for chunk in chunks:
        if first:
            first = False
            if marked := _by_first_bytes(chunk):
                return marked
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            good = chunk[: error.start] if error.object is chunk else error.object[: error.start]
            return "utf-8" if multi_byte or not good.isascii() else "cp1252"
        multi_byte = multi_byte or not text.isascii()
    if decoder.getstate()[0] and not multi_byte:
        return "cp1252"  # the last character is cut off, and it is the only one that is not ASCII
    return "utf-8"


def _by_first_bytes(chunk: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if chunk.startswith(mark):
            return encoding
    head = chunk[:1000]
    if len(head) >= 4:
        # Text of Latin letters in UTF-16 has a zero in every second byte.
        if head[1::2].count(0) > len(head) * 0.4 and head[::2].count(0) < len(head) * 0.05:
            return "utf-16-le"
        if head[::2].count(0) > len(head) * 0.4 and head[1::2].count(0) < len(head) * 0.05:
            return "utf-16-be"
    return None


def guess_delimiter(sample: str) -> str:
    """Return the delimiter that splits the first lines of a table most evenly; a comma when none does."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _rows(sample, delimiter) if row]
        if not widths:
            continue
        width, times = Counter(widths).most_common(1)[0]
        if width > 1:
            score = times / len(widths) + min(width, 50) / 1000
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= 50:
                break
    except csv.Error:
        pass
    return rows[:-1] if len(rows) > 2 else rows  # the last one may be cut


def is_header(row: Sequence[str]) -> bool:
    """Tell whether the first row names the columns: it does unless one of its cells is an address."""
    return not any(is_address(cell) for cell in row)


def is_object(head: bytes, encoding: str) -> bool:
    """Tell whether a file begins with a JSON object (JSON lines)."""
    first = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n").partition("\n")[0].strip()
    return first.startswith("{") and (first.endswith("}") or len(first) > 32_000)


def is_address(cell: str) -> bool:
    """Tell whether a cell looks like an e-mail address."""
    return _ADDRESS.match(cell.strip()) is not None


def column_names(first_row: Sequence[str], *, header: bool) -> list[str]:
    """Return a distinct name for every column: its title, numbered when it is blank, repeated or missing."""
    names: list[str] = []
    for number, title in enumerate(first_row, 1):
        name = " ".join(title.split())[:100] if header else ""
        name = "".join(c for c in name if c.isprintable()) or f"column {number}"
        unique, repeat = name, 2
        while unique in names:
            unique, repeat = f"{name} ({repeat})", repeat + 1
        names.append(unique)
    return names
