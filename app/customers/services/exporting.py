"""Exporting contacts: PostgreSQL writes the rows, this process passes them on, so memory stays flat.

In CSV a cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV injection); an import
takes it off again. Plain numbers keep their sign.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Select, column, select, table
from sqlalchemy.orm import Session

from app.core.db import driver
from app.core.errors import InvalidInput
from app.core.registries import Registry
from app.customers.policy.values import Kind
from app.customers.queries.fields import FieldInfo, dictionary
from app.customers.services import workbook

_EXPORTED = table("exported", column("contact_id"))
_CORE = ("email", "first_name", "last_name", "language", "time_zone", "country", "source")
_FORMULA = r"^[=+\-@\t\r＝＋－＠]"
_NUMBER = r"^[+-]?[0-9]+([.,][0-9]+)?$"


# (session, definition) -> a SELECT of contact ids; campaigns fills it with what compiles a segment
AudienceFilter = Callable[[Session, dict[str, Any]], Select[Any]]
audience_filters: Registry[AudienceFilter] = Registry("what chooses people for an export")


class Format(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    XLSX = "xlsx"


def guard_formula(cell: str) -> str:
    """Return ``cell`` such that no spreadsheet runs it."""
    if re.match(_FORMULA, cell) and not re.match(_NUMBER, cell):
        return "'" + cell
    return cell


def chosen(session: Session, definition: dict[str, Any]) -> Select[Any]:
    """Return the SELECT of the contacts a segment's definition chooses. Raises ``InvalidInput``."""
    for audience_filter in audience_filters:
        return audience_filter(session, definition)
    raise InvalidInput("This installation has no segments.")


def export(session: Session, form: Format, people: Select[Any] | None = None) -> Iterator[bytes]:
    """Yield the contacts who were not erased as CSV with titles, as one JSON object a line (both in UTF-8), or as a
    spreadsheet, by id.

    Who is merged into another is not among them. ``people`` is a SELECT of contact ids that narrows them. The
    session's transaction stays open while it is read: read it fast, into a file.
    """
    connection = driver(session)
    joined = _narrow(session, people)
    fields = dictionary(session)
    if form is not Format.JSON_LINES:
        statement = sql.SQL("COPY (SELECT {} FROM contact c {} ORDER BY c.id) TO STDOUT (FORMAT csv, HEADER)").format(
            sql.SQL(", ").join(_cells(fields)), joined
        )
    else:
        statement = sql.SQL("COPY (SELECT {}::text FROM contact c {} ORDER BY c.id) TO STDOUT").format(
            _object(), joined
        )
    pieces = _rows(connection, statement, unescape=form is Format.JSON_LINES)
    yield from _workbook(pieces, fields) if form is Format.XLSX else pieces


def _workbook(pieces: Iterator[bytes], fields: Sequence[FieldInfo]) -> Iterator[bytes]:
    rows = csv.reader(_lines(pieces))
    titles = next(rows)
    numbers = {field.name for field in fields if field.kind in (Kind.NUMBER, Kind.MONEY)}
    return workbook.write(titles, rows, {index for index, title in enumerate(titles) if title in numbers})


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """The lines of what COPY wrote; a piece ends with a row."""
    for piece in pieces:
        yield from io.StringIO(piece.decode(), newline="")


def _rows(connection: psycopg.Connection, statement: sql.Composed, *, unescape: bool) -> Iterator[bytes]:
    """Yield what COPY writes, in pieces of some 64 KB."""
    pieces: list[bytes] = []
    size = 0
    with connection.cursor().copy(statement) as copy:
        for row in copy:
            # COPY's text format doubles every backslash; JSON has no other character that it would escape.
            piece = bytes(row).replace(b"\\\\", b"\\") if unescape else bytes(row)
            pieces.append(piece)
            size += len(piece)
            if size > 65536:
                yield b"".join(pieces)
                pieces, size = [], 0
    yield b"".join(pieces)


def _narrow(session: Session, people: Select[Any] | None) -> sql.SQL:
    if people is None:
        return sql.SQL("WHERE c.erased_at IS NULL AND c.merged_into IS NULL")
    # COPY takes no parameters, so the chosen ids are put down first by a statement that does.
    driver(session).execute("DROP TABLE IF EXISTS pg_temp.exported")
    driver(session).execute("CREATE TEMPORARY TABLE exported (contact_id bigint PRIMARY KEY) ON COMMIT DROP")
    chosen = people.subquery()
    session.execute(_EXPORTED.insert().from_select(["contact_id"], select(next(iter(chosen.c))).distinct()))
    return sql.SQL("JOIN exported x ON x.contact_id = c.id WHERE c.erased_at IS NULL AND c.merged_into IS NULL")


def _cells(fields: list[FieldInfo]) -> list[sql.Composed]:
    cells = [_named(_safe(sql.SQL("c.{}").format(sql.Identifier(name))), name) for name in _CORE]
    cells.append(_named(_safe(sql.SQL("array_to_string(c.tags, ', ')")), "tags"))
    cells.append(_named(sql.SQL("to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"), "created_at"))
    for field in fields:
        if field.kind is Kind.CHOICES:
            text = sql.SQL(
                "(SELECT string_agg(v, '; ') FROM jsonb_array_elements_text(nullif(c.attributes -> {}, 'null')) v)"
            )
        else:
            text = sql.SQL("(c.attributes ->> {})")
        cells.append(_named(_safe(text.format(sql.Literal(field.name))), field.name))
    return cells


def _safe(text: sql.Composable) -> sql.Composed:
    return sql.SQL("CASE WHEN {0} ~ {1} AND {0} !~ {2} THEN '''' || {0} ELSE {0} END").format(
        text, sql.Literal(_FORMULA), sql.Literal(_NUMBER)
    )


def _named(text: sql.Composable, name: str) -> sql.Composed:
    return sql.SQL("{} AS {}").format(text, sql.Identifier(name))


def _object() -> sql.SQL:
    return sql.SQL(
        "json_build_object('id', c.id, 'email', c.email, 'first_name', c.first_name, 'last_name', c.last_name,"
        " 'language', c.language, 'time_zone', c.time_zone, 'country', c.country, 'source', c.source,"
        " 'tags', c.tags, 'created_at', c.created_at, 'fields', c.attributes)"
    )
