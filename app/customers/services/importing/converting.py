"""Files that cannot be read line by line, copied into a form that can: piece by piece, in flat memory.

Text in wide encodings becomes UTF-8. Tables that are no CSV become a file of rows: one JSON list of cells a line, so
that a row is a line whatever stands in its cells, and places in it are exact.
"""

from __future__ import annotations

import codecs
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.cells import flatten
from app.customers.services.importing.records import MAX_LINE

_CHUNK = 1 << 20
MAX_COLUMNS = 1000
_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_escaped = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def encode(row: list[str] | str) -> str:
    """Return a row as a line. It stands in clear, so that an erasure finds an address in it; only what UTF-8 cannot
    hold is escaped, for the row to be refused and not the file."""
    line = _plain(row)
    try:
        line.encode()
    except UnicodeEncodeError:
        return _escaped(row)
    return line


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Put a control character in the place of bytes that are no text: the cell it stands in is then refused."""
    assert isinstance(error, UnicodeDecodeError)
    return "\x1a", error.end


codecs.register_error("permesso.mark", _mark)


def target(path: Path, folder: Path, end: str) -> Path:
    """Return where the converted form of a file is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{path.stem[:80]}.{os.getpid()}.{path.stat().st_mtime_ns}.{end}"


def to_utf8(path: Path, folder: Path, encoding: str) -> Path:
    """Copy a file into ``folder`` as UTF-8 with Unix line ends."""
    found = target(path, folder, "utf8.csv")
    with path.open("rb") as binary, found.open("w", encoding="utf-8", newline="") as out:
        text = io.TextIOWrapper(binary, encoding=encoding, errors="permesso.mark", newline=None)
        while piece := text.read(_CHUNK):
            out.write(piece.removeprefix("\ufeff"))
    return found


def json_to_rows(path: Path, folder: Path, encoding: str) -> Path:
    """Copy a file of one JSON object a line into ``folder`` as rows, the keys of all objects first.

    Nested objects become columns of their own (``address.city``). Lines that are no object are kept as texts.
    Raises ``InvalidInput`` for more keys than a table may have columns.
    """
    read = path
    if encoding.startswith(("utf-16", "utf-32")):
        read = to_utf8(path, folder, encoding)
    codec = "utf-8-sig" if encoding.startswith("utf") else encoding
    try:
        columns = _keys(read, codec)
        found = target(path, folder, "rows")
        with found.open("w", encoding="utf-8", newline="\n") as out:
            out.write(encode(list(columns)) + "\n")
            for line, values in _objects(read, codec):
                if not line:
                    out.write("\n")
                elif values is None:
                    out.write(encode(line[:2000]) + "\n")
                else:
                    out.write(encode([values.get(column, "") for column in columns]) + "\n")
    finally:
        if read != path:
            read.unlink()
    return found


def _keys(path: Path, codec: str) -> dict[str, None]:
    columns: dict[str, None] = {}
    for _line, values in _objects(path, codec):
        if values is not None:
            columns |= dict.fromkeys(values)
            if len(columns) > MAX_COLUMNS:
                raise InvalidInput(_("The objects of the file have more than 1,000 keys between them."))
    return columns


def _objects(path: Path, codec: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Yield each line with the flat values of its object, None when it holds none."""
    with path.open("rb", buffering=_CHUNK) as file:
        for line in _bounded(file):
            text = line.decode(codec, "permesso.mark").strip()
            values = None
            # RecursionError: thousands of brackets one in the other.
            with suppress(ValueError, RecursionError):
                loaded = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
                values = flatten(loaded) if isinstance(loaded, dict) else None
            yield text, values


def _bounded(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines; of one that is too long only the beginning, which is no object any more."""
    while line := file.readline(MAX_LINE):
        yield line
        while len(line) >= MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)
