"""How fast a list is imported with its permission, and exported; plain COPY of the finished rows is the reference."""

from __future__ import annotations

import csv
import random
import resource
import tempfile
import time
from pathlib import Path

from psycopg import Connection

from app.bench.ground import Result, copy_seconds, copy_to, database, seconds_of
from app.brands.services.set_up import BrandDetails, create_brand
from app.core import db
from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.queries import imports
from app.customers.services import exporting
from app.customers.services.exporting import Format
from app.customers.services.importing import batches, sinks
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.declaring import declare_columns
from app.customers.services.importing.source import inspect
from consent.services import topics
from consent.services.importing import record

# In the order in which rows refer to each other.
TABLES = ("contact", "permission_event", "permission_evidence", "permission")


def run(*, quick: bool) -> Result:
    """Import and export rows of 12 columns (20,000 when ``quick``, else a million)."""
    rows = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name, database():
        folder = Path(name)
        path = _file(folder / "people.csv", rows)
        sinks.add("permission", record)
        with unit_of_work() as session:
            brand_id = create_brand(session, BrandDetails(name="Bench", postal_address="1 Example Street"))
            topic_id = topics.create(session, brand_id, "News")
        first = seconds_of(lambda: _import(path, folder, topic_id, rows))
        again = seconds_of(lambda: _import(path, folder, topic_id, rows))
        export = seconds_of(lambda: _export(folder / "contacts.csv"))
        with db.raw() as connection:
            copy_in, copy_out = copy_seconds(connection, TABLES, folder), _copy_out(connection, folder / "plain")
        return Result(
            "importing",
            figures={
                "rows": rows,
                "import_rows_per_second": rows / first,
                "unchanged_rows_per_second": rows / again,
                "export_rows_per_second": rows / export,
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            },
            references={"copy_in_rows_per_second": rows / copy_in, "copy_out_rows_per_second": rows / copy_out},
            ratios={"import_to_copy": copy_in / first, "export_to_copy": copy_out / export},
        )


def _file(path: Path, rows: int) -> Path:
    """Write people as a shop knows them, from a fixed seed, at reserved domains."""
    chance = random.Random(1)
    domains = [f"{name}.example.{end}" for name in ("mail", "post", "web", "home") for end in ("com", "net", "org")]
    names = ["Ada", "Grace", "Linus", "Zoé", "Marie", "Seán", "Chloé", "Björn"]
    towns = ["Paris", "Lyon", "Lille", "Nantes", "London", "Leeds", "Köln"]
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        titles = "email,first name,last name,language,country,tags,recency,history,womens,town,since,note"
        writer.writerow(titles.split(","))
        for number in range(rows):
            writer.writerow(
                [
                    f"person{number}@{chance.choice(domains)}",
                    chance.choice(names),
                    f"Name{chance.randrange(20_000)}",
                    chance.choice(["fr", "en"]),
                    chance.choice(["FR", "GB", "DE"]),
                    chance.choice(["", "vip", "vip, blog"]),
                    chance.randrange(12),
                    round(chance.lognormvariate(5, 1), 2),
                    chance.randrange(2),
                    chance.choice(towns),
                    f"20{chance.randrange(10, 26)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
                    f"met at fair {chance.randrange(500)}" if chance.random() < 0.3 else "",
                ]
            )
    return path


def _import(path: Path, folder: Path, topic_id: int, rows: int) -> None:
    shape = inspect(path, folder)
    with unit_of_work() as session:
        batch_id = batches.create(session, shape, path.name)
        mapping = dict(imports.batch(session, batch_id).mapping)
        mapping |= declare_columns(session, shape, [column for column in shape.columns if column not in mapping])
        statement = Statement(topic_id, "opt_in", "consent", "bench", "bench")
        batches.prepare(session, batch_id, mapping, statement)
    done = importing.run(batch_id)
    assert (done.status, done.rows, done.permitted) == ("done", rows, rows), done


def _export(path: Path) -> None:
    with unit_of_work() as session, path.open("wb") as out:
        for piece in exporting.export(session, Format.CSV):
            out.write(piece)


def _copy_out(connection: Connection, path: Path) -> float:
    """Return the seconds that COPY takes to write out the columns of contacts."""
    plain = "email, first_name, last_name, language, time_zone, country, source, tags, created_at, attributes"
    begun = time.perf_counter()
    copy_to(connection, f"COPY contact ({plain}) TO STDOUT (FORMAT csv)", path)
    return time.perf_counter() - begun
