"""Files that are damaged or malicious: each row is imported rightly or refused with a reason; nothing dies."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.policy import dialect
from app.customers.queries import contacts
from app.customers.services.exporting import Format, export, guard_formula
from app.customers.services.importing.source import inspect
from tests.factories.customers import make_contact, make_field


def addresses(db) -> list[str]:
    with db.connect() as connection:
        return list(connection.scalars(text("SELECT email FROM contact ORDER BY email")))


def test_an_open_quote_costs_one_row(import_csv, db):
    done = import_csv('email,first name\na@example.com,"Ada\nb@example.com,Bob\nc@example.com,"Cy"\nd@example.com,D\n')
    assert addresses(db) == ["b@example.com", "c@example.com", "d@example.com"]
    assert [(r.line, r.cells) for r in done.refused] == [(2, ['a@example.com,"Ada'])]


def test_an_open_quote_to_the_end_of_a_long_file_costs_one_row(import_csv, db):
    rows = "".join(f"p{n}@example.com,P\n" for n in range(3000))
    done = import_csv(f'email,first name\nx@example.com,"open\n{rows}')
    assert done.counts == (3000, 0, 0, 1)
    assert done.refused[0].line == 2
    assert "quotation mark" in done.refused[0].reason


def test_a_huge_cell_costs_one_row_and_little_memory(import_csv, db, tmp_path):
    content = b"email,first name\na@example.com," + b"x" * 40_000_000 + b"\nb@example.com,Bob\n"
    done = import_csv(content)
    assert done.counts == (1, 0, 0, 1)
    assert addresses(db) == ["b@example.com"]


def test_text_behind_a_closing_quote_is_refused(import_csv, db):
    done = import_csv('email,first name\na@example.com,"Ada" Lovelace\nb@example.com,"Bob ""B"" Brown"\n')
    assert done.counts == (1, 0, 0, 1)
    with unit_of_work() as session:
        assert contacts.by_address(session, "b@example.com").first_name == 'Bob "B" Brown'


def test_zero_bytes_and_control_characters_are_refused(import_csv, db):
    done = import_csv(
        b"email,first name\na\x00@example.com,A\nb@example.com,B\x00b\nc@example.com,C\x1b[31m\nd@example.com,D\n"
    )
    assert addresses(db) == ["d@example.com"]
    assert [(r.line, r.column) for r in done.refused] == [(2, "email"), (3, "first name"), (4, "first name")]


def test_damaged_utf8_is_refused_row_by_row(import_csv, db):
    rows = "email,first name\nz@example.com,Zoé\n".encode() + b"a@example.com,Ren\xe9\n" + b"b@example.com,Bob\n"
    done = import_csv(rows)
    assert addresses(db) == ["b@example.com", "z@example.com"]
    assert [r.line for r in done.refused] == [3]


def test_line_breaks_cannot_reach_a_mail_header(import_csv, db):
    done = import_csv('email,first name\na@example.com,"Ada\r\nBcc: all@example.com"\n"b@example.com\r\nBcc: x",B\n')
    assert done.counts == (0, 0, 0, 2)


def test_ragged_rows_are_refused_and_empty_extra_cells_forgiven(import_csv, db):
    done = import_csv("email,first name\na@example.com\nb@example.com,B,,\nc@example.com,C,more\n\n,\n")
    assert addresses(db) == ["b@example.com"]
    assert [r.line for r in done.refused] == [2, 4, 6]


def test_repeated_and_missing_titles_stay_apart(import_csv, prepare_import):
    assert dialect.column_names(["a", "a", "", " a "], header=True) == ["a", "a (2)", "column 3", "a (3)"]
    done = import_csv("email,email,,name\na@example.com,b@example.com,x,Ada\n")
    assert done.counts == (1, 0, 0, 0)


def test_markup_and_formulas_are_kept_as_text(import_csv):
    with unit_of_work() as session:
        make_field(session, "note")
    evil = "<script>alert(1)</script>"
    import_csv(f"email,first name,note\na@example.com,{evil},=cmd|' /C calc'!A0\n")
    with unit_of_work() as session:
        found = contacts.by_address(session, "a@example.com")
    assert found.first_name == evil
    assert found.attributes == {"note": "=cmd|' /C calc'!A0"}


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\tx", "\rx", "＝1", "＋1", "－1", "＠x"])
def test_formulas_are_disarmed_in_exports(cell):
    assert guard_formula(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["-5", "+33123456789", "1.5", "a=b", "Ada", ""])
def test_harmless_cells_stay(cell):
    assert guard_formula(cell) == cell


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (b"PK\x03\x04rest", "damaged"),
        (b"\xd0\xcf\x11\xe0rest", "protected"),
        (b'email,"first\nname', "Line 1"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_advice(tmp_path, content, says):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        inspect(path, tmp_path)


def test_an_address_that_our_export_guarded_is_still_the_same_person(import_csv, db):
    with unit_of_work() as session:
        known = make_contact(session, "+ada@example.com")
        (line,) = [line for line in b"".join(export(session, Format.CSV)).decode().splitlines() if "ada" in line]
    assert line.startswith("'+ada@example.com")
    assert import_csv(f"email,first name\n{line.split(',')[0]},Ada\n").counts == (0, 1, 0, 0)
    with unit_of_work() as session:
        assert contacts.contact(session, known).first_name == "Ada"
    assert addresses(db) == ["+ada@example.com"]
