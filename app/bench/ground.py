"""What every benchmark stands on: a database of its own, a server process to talk to, and OpenSSL's own figure."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from app.core import config, db, migrate


@dataclass(frozen=True)
class Result:
    """Figures of the product, references measured in the same run, and the ratios that hold on any machine."""

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    references: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the shape that ``flask bench`` prints, rounded to what was measured."""

        def rounded(values: dict[str, float]) -> dict[str, float]:
            return {name: float(f"{value:.4g}") for name, value in values.items()}

        return {
            "name": self.name,
            "figures": rounded(self.figures),
            "references": rounded(self.references),
            "ratios": rounded(self.ratios),
        }


@contextmanager
def database() -> Iterator[None]:
    """Bind this process to a fresh, migrated database on the same server; drop it at the end.

    Nothing of the deployment's own data is read or written. Child processes find it under DATABASE_URL.
    """
    settings = config.current()
    server = settings.psycopg_url
    name = f"bench_{os.getpid()}"
    url = re.sub(r"/[^/?]*(\?.*)?$", rf"/{name}\1", settings.database_url)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    before = os.environ.get("DATABASE_URL")
    try:
        migrate.upgrade(url)
        os.environ["DATABASE_URL"] = url
        config.use(settings.model_copy(update={"database_url": url}))
        db.connect(url)
        yield
    finally:
        if before is None:
            os.environ.pop("DATABASE_URL", None)
        else:
            os.environ["DATABASE_URL"] = before
        config.use(settings)
        db.connect(settings.database_url)
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def openssl_signatures(processes: int = 1, seconds: int = 3) -> float:
    """Return RSA-2048 signatures a second, as ``openssl speed`` measures them on ``processes`` cores."""
    command = ["openssl", "speed", "-seconds", str(seconds)]
    if processes > 1:
        command += ["-multi", str(processes)]
    out = subprocess.run([*command, "rsa2048"], capture_output=True, text=True, check=True).stdout
    row = next(line for line in out.splitlines() if "rsa" in line and "2048" in line and "bits" in line)
    # "rsa  2048 bits 0.000280s 0.000015s   3572.8  64798.1"; OpenSSL 3.2 adds encryption columns after these.
    return float(row.split()[-2] if len(row.split()) == 7 else row.split()[5])


def copy_seconds(connection: psycopg.Connection, tables: Iterable[str], folder: Path) -> float:
    """Return the seconds that COPY takes to fill empty tables with the same indexes with the rows of ``tables``."""
    seconds = 0.0
    for table in tables:
        columns, kept = ", ".join(_columns(connection, table)), folder / table
        copy_to(connection, f"COPY {table} ({columns}) TO STDOUT", kept)
        connection.execute(f"CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)")
        connection.commit()
        begun = time.perf_counter()
        copy = connection.cursor().copy(f"COPY copy_of_{table} ({columns}) FROM STDIN")
        with kept.open("rb") as rows, copy as into:
            while piece := rows.read(1 << 16):
                into.write(piece)
        connection.commit()
        seconds += time.perf_counter() - begun
    return seconds


def copy_to(connection: psycopg.Connection, statement: str, path: Path) -> None:
    """Write what a COPY statement of ours gives to a file."""
    with path.open("wb") as out, connection.cursor().copy(statement.encode()) as copy:
        for row in copy:
            out.write(row)


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = ''"
        " AND NOT attisdropped",
        [table],
    )
    return [row[0] for row in rows]
