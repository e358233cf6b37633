"""Whatever is written into a file comes back equal, or is among the refused rows with a reason."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.policy.values import show
from app.customers.queries import contacts, imports
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from tests.factories.customers import make_field

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
nasty = st.sampled_from(
    [
        '"',
        '""',
        "'",
        "a\nb",
        "a\r\nb",
        ";",
        ",",
        "\t",
        "\x00",
        "\\",
        "\\N",
        "\\.",
        "{}",
        "NULL",
        "  x  ",
        "é",
        "🎉",
        "=1",
        "'=1",
    ]
)
cells = st.one_of(anything, nasty, st.just(""))
numbers = st.one_of(st.integers(-(10**9), 10**9).map(str), st.decimals(-1000, 1000, places=2).map(str), cells)
dates = st.one_of(st.dates().map(str), cells)
locals_ = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8})?(\+[a-z]{1,3})?", fullmatch=True)
addresses = st.one_of(locals_.map(lambda local: f"{local}@example.com"), cells)
rows = st.lists(st.tuples(addresses, cells, cells, numbers, dates), min_size=1, max_size=25)


@pytest.fixture
def fields(db):
    with unit_of_work() as session:
        make_field(session, "note")
        make_field(session, "size", "number")
        make_field(session, "day", "date")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=rows,
    delimiter=st.sampled_from([",", ";", "\t", "json"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_was_written_comes_back_or_is_refused(db, fields, tmp_path: Path, rows, delimiter, encoding):
    with db.begin() as connection:
        connection.execute(text("TRUNCATE contact CASCADE"))
    path = tmp_path / "rows.csv"
    path.write_bytes(_written(rows, delimiter).encode(encoding))
    shape = inspect(path, tmp_path)
    with unit_of_work() as session:
        batch_id = batches.create(session, shape, "rows.csv")
        batches.prepare(
            session,
            batch_id,
            dict(zip(shape.columns, ["email", "first_name", "note", "size", "day"], strict=True)),
            Statement(source="anything"),
        )
    done = importing.run(batch_id)
    assert (done.status, done.rows) == ("done", len(rows)), done.error
    with unit_of_work() as session:
        refused = list(imports.rejects(session, batch_id))
    assert done.added + done.updated + done.unchanged + len(refused) == len(rows)
    assert all(reject.reason for reject in refused)
    _compare(rows, [reject.cells for reject in refused])


def _written(rows: list[tuple[str, ...]], delimiter: str) -> str:
    """The rows as a table, or as JSON lines."""
    titles = ["email", "first name", "note", "size", "day"]
    if delimiter == "json":
        return "".join(json.dumps(dict(zip(titles, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
    out = io.StringIO()
    # Quoting everything keeps a row of one blank cell from being a blank line.
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(titles)
    writer.writerows(rows)
    return out.getvalue()


def _compare(rows: list[tuple[str, ...]], refused: list[list[str]]) -> None:
    """Replay the rows that were not refused, and compare with what the base holds."""
    left = [tuple(_kept(cell) for cell in cells) for cells in refused]
    expected: dict[str, dict[str, str]] = {}
    for row in rows:
        if tuple(_kept(cell) for cell in row) in left:
            continue
        said = expected.setdefault(row[0].strip().lower(), {})
        said |= {
            name: cell for name, cell in zip(["first", "note", "size", "day"], row[1:], strict=True) if cell.strip()
        }
    with unit_of_work() as session:
        for key, said in expected.items():
            found = contacts.by_address(session, key)
            assert found is not None, key
            have = {
                "first": found.first_name,
                "note": show(found.attributes.get("note")),
                "day": show(found.attributes.get("day")),
            }
            for name in ("first", "note", "day"):
                assert have[name] == _plain(said.get(name, "")), name
            if "size" in said:
                assert float(found.attributes["size"]) == pytest.approx(float(_plain(said["size"]).replace(",", ".")))


def _kept(cell: str) -> str:
    return cell[:2000].replace("\x00", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")


def _plain(cell: str) -> str:
    """A cell as it is kept: without the white space around it and the apostrophe before a formula."""
    text_ = _kept(cell)
    if text_[:1] == "'" and text_[1:2] in tuple("=+-@\t\r＝＋－＠") and len(text_) > 1:
        text_ = text_[1:]
    return text_.strip()
