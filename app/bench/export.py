"""How fast the whole base is exported, in which memory, and what a field's figures cost; COPY TO is the reference."""

from __future__ import annotations

import resource
import statistics
import tempfile
from pathlib import Path

from sqlalchemy import text

from app.bench.ground import Result, copy_to, database, seconds_of
from app.core import db
from app.core.db import unit_of_work
from app.customers.policy.values import Kind
from app.customers.queries import field_figures
from app.customers.services import exporting, fields
from app.customers.services.exporting import Format

_FIELDS = 20
# Every fifth field has few values, the others differ from person to person; a name has an accent, a note a comma.
_PEOPLE = """
INSERT INTO contact (email, email_key, address_key, first_name, last_name, language, country, source, tags, attributes)
SELECT e, e, sha256(e::bytea), 'Zoé', 'Name ' || n % 20000, 'fr', 'FR', 'Fair, Lyon', ARRAY['vip', 'blog'], a
FROM (SELECT n, format('p%s@example.com', n) AS e,
             (SELECT jsonb_object_agg('f' || k, CASE k % 5 WHEN 0 THEN 'Town ' || n % 50 ELSE 'v' || n * k END)
              FROM generate_series(1, :fields) k) AS a
      FROM generate_series(1, :people) n) made
"""
_COLUMNS = "email, first_name, last_name, language, time_zone, country, source, tags, created_at, attributes"


def run(*, quick: bool) -> Result:
    """Export 20,000 people when ``quick``, else a million, with 20 fields; spreadsheets of a tenth of them."""
    people = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name, database():
        folder = Path(name)
        with unit_of_work() as session:
            for number in range(1, _FIELDS + 1):
                fields.declare(session, f"f{number}", "text", f"Field {number}")
            session.execute(text(_PEOPLE), {"people": people, "fields": _FIELDS})
        with db.raw(autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE contact")
            copied = seconds_of(
                lambda: copy_to(connection, f"COPY contact ({_COLUMNS}) TO STDOUT (FORMAT csv)", folder / "plain")
            )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        csv = seconds_of(lambda: _export(folder / "out", Format.CSV))
        json_lines = seconds_of(lambda: _export(folder / "out", Format.JSON_LINES))
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        few = statistics.median(_figures("f5") for _ in range(5))
        many = statistics.median(_figures("f1") for _ in range(5))
        with unit_of_work() as session:
            session.execute(text("DELETE FROM contact WHERE id > :most"), {"most": people // 10})
        xlsx = seconds_of(lambda: _export(folder / "out", Format.XLSX))
        return Result(
            "export",
            figures={
                "rows": people,
                "csv_rows_per_second": people / csv,
                "jsonl_rows_per_second": people / json_lines,
                "xlsx_rows_per_second": people / 10 / xlsx,
                "memory_growth_mb": growth / 1024,
                "field_of_few_values_ms": few * 1000,
                "field_of_many_values_ms": many * 1000,
            },
            references={"copy_rows_per_second": people / copied},
            ratios={"csv_to_copy": copied / csv, "jsonl_to_copy": copied / json_lines},
        )


def _export(path: Path, form: Format) -> None:
    with unit_of_work() as session, path.open("wb") as out:
        for piece in exporting.export(session, form):
            out.write(piece)


def _figures(name: str) -> float:
    with unit_of_work() as session:
        return seconds_of(lambda: field_figures.of_field(session, name, Kind.TEXT))
