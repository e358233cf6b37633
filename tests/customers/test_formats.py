"""Spreadsheets and JSON lines become people like CSV does; what is no table, or a trap, is refused with advice."""

from __future__ import annotations

import io
import json
import resource
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries import contacts
from app.customers.services import workbook
from app.customers.services.exporting import Format, export
from app.customers.services.importing import forgetting, spreadsheet
from app.customers.services.importing.source import Reading, inspect
from tests.factories.customers import make_field


def person(address: str) -> contacts.ContactInfo:
    with unit_of_work() as session:
        found = contacts.by_address(session, address)
    assert found is not None
    return found


def made(*rows: list[object], first_empty: bool = False) -> bytes:
    book = openpyxl.Workbook()
    if first_empty:
        book.create_sheet("People")
    sheet = book.worksheets[-1]
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_spreadsheet_keeps_its_types_and_row_numbers(import_csv):
    with unit_of_work() as session:
        make_field(session, "spent", "money")
        make_field(session, "born", "date")
        make_field(session, "vip", "boolean")
        make_field(session, "size", "number")
    content = made(
        ["Email", "First name", "spent", "born", "vip", "size"],
        ["ada@example.com", "Ada", 1234.5, date(1815, 12, 10), True, 3.0],
        [],
        ["bad", "Two\nlines", 1, None, None, None],
        ["zoe@example.com", "Zoé", 0.1 + 0.2 - 0.3 + 7, datetime(2020, 2, 29, 10, 30), False],  # noqa: DTZ001
        first_empty=True,
    )
    done = import_csv(content, name="people.xlsx")
    assert done.counts == (2, 0, 0, 1)
    assert [(r.line, r.column) for r in done.refused] == [(4, "Email")]
    assert person("ada@example.com").attributes == {"spent": 1234.5, "born": "1815-12-10", "vip": True, "size": 3}
    assert person("zoe@example.com").attributes == {"spent": 7, "born": "2020-02-29", "vip": False}


def test_json_lines_are_flattened_and_refused_line_by_line(import_csv):
    with unit_of_work() as session:
        make_field(session, "size", "number")
        make_field(session, "likes", "choices", ("Tea", "Coffee"))
    lines = [
        {"email": "ada@example.com", "first_name": "Ada", "tags": ["vip", "maths"], "fields": {"size": 12.50}},
        {"email": "bob@example.com", "fields": {"likes": ["Tea", "Coffee"], "size": None}},
        [1, 2],
        {"email": "\ud800@example.com"},
        {"email": "no\u0000pe@example.com"},
    ]
    content = "\n".join(json.dumps(line) for line in lines) + '\n\n{"email": "cut@exa\n{"email":"c@example.com"}\n'
    done = import_csv(content, name="people.jsonl")
    assert done.counts == (3, 0, 0, 4)
    assert [r.line for r in done.refused] == [3, 4, 5, 7]
    assert all(r.reason for r in done.refused)
    ada, bob = person("ada@example.com"), person("bob@example.com")
    assert (ada.tags, ada.attributes) == (("vip", "maths"), {"size": 12.5})
    assert bob.attributes == {"likes": ["Tea", "Coffee"]}


def test_deep_and_endless_json_costs_a_line(import_csv):
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    endless = b'{"email":"' + b"x" * 3_000_000 + b'"}'
    content = b'{"email":"a@example.com"}\n' + deep + b"\n" + endless + b'\n{"email":"b@example.com"}\n'
    done = import_csv(content, name="people.jsonl")
    assert (done.counts, [r.line for r in done.refused]) == ((2, 0, 0, 2), [2, 3])


def test_tabs_and_choices_of_reading(import_csv, tmp_path):
    assert import_csv("email\tfirst name\nzoe@example.com\tZoé\n", name="people.tsv").counts == (1, 0, 0, 0)
    path = tmp_path / "mac.csv"
    path.write_bytes("email;name\nzoe@example.com;Zoé\n".encode("mac_roman"))
    assert inspect(path, tmp_path).samples != [["zoe@example.com", "Zoé"]]
    read = inspect(path, tmp_path, Reading(encoding="mac_roman", header=False))
    assert (read.columns, read.samples) == (
        ["column 1", "column 2"],
        [["email", "name"], ["zoe@example.com", "Zoé"]],
    )


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def rezipped(content: bytes, name: str, change: bytes) -> bytes:
    """A workbook with one of its parts replaced."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    return packed(parts | {name: change})


SHEET = "xl/worksheets/sheet1.xml"
OPEN = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def entities(content: bytes) -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    body = b'<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
    return rezipped(content, SHEET, bomb + OPEN + body)


def far_row(content: bytes) -> bytes:
    body = b'<row r="99999999999"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    return rezipped(content, SHEET, OPEN + body)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda content: content[: len(content) // 2], "damaged"),
        (lambda content: rezipped(content, SHEET, b"<worksheet"), "damaged"),
        (lambda content: rezipped(content, SHEET, b" " * 40_000_000), "unpacks"),
        (lambda content: rezipped(content, "xl/sharedStrings.xml", b"x" * 70_000_000), "unpacks"),
        (entities, "damaged"),
        (far_row, "more rows"),
        (lambda content: packed({"people.csv": b"email\na@example.com\n"}), "archive"),
    ],
)
def test_traps_in_spreadsheets_are_refused_in_little_memory(settings, tmp_path: Path, spoil, says):
    content = spoil(made(["email"], ["a@example.com"]))
    path = tmp_path / "trap.xlsx"
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInput, match=says):
        inspect(path, tmp_path / "work")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"
    assert not list((tmp_path / "work").glob("*.rows"))


def test_a_claimed_size_is_not_believed(settings, tmp_path: Path):
    body = b'<row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row></sheetData></worksheet>'
    claim = OPEN.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')
    path = tmp_path / "people.xlsx"
    path.write_bytes(rezipped(made(["email"]), SHEET, claim + body))
    assert spreadsheet.to_rows(path, tmp_path).read_text() == '["email"]\n'


def test_an_exported_spreadsheet_runs_nothing_and_comes_back(import_csv, db, tmp_path):
    with unit_of_work() as session:
        make_field(session, "note")
        make_field(session, "size", "number")
    import_csv(
        'email,first name,note,size,tags\n=1@example.com,"=HYPERLINK(""x"")",+cmd|x,-1.5,"a, b"\n'
        'z@example.com,Zoé,"two\nlines",12,\n'
    )
    with unit_of_work() as session:
        content = b"".join(export(session, Format.XLSX))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n"}, "no cell is a formula"
    assert [row[10].value for row in sheet] == ["size", -1.5, 12]
    again = import_csv(content, name="ours.xlsx")
    assert again.counts == (0, 0, 2, 0), again.refused


def test_a_table_longer_than_a_sheet_goes_on_on_the_next(monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 4)
    content = b"".join(workbook.write(["n"], ([str(n)] for n in range(7)), {0}))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert [[cell.value for cell in sheet["A"]] for sheet in book] == [["n", 0, 1, 2], ["n", 3, 4, 5], ["n", 6]]


def test_an_erased_address_is_found_in_what_was_converted(settings):
    folder = forgetting.folder()
    upload = folder / "people.xlsx"
    upload.write_bytes(made(["email"], ["zoé@example.com"]))
    theirs = Path(inspect(upload, folder).path)
    other = folder / "others.jsonl"
    other.write_text('{"email": "b@example.com"}\n')
    kept = Path(inspect(other, folder).path)
    forgetting.forget_uploads(["ZOÉ@example.com"], [])
    assert [path.exists() for path in (upload, theirs, other, kept)] == [False, False, True, True]
