"""A cell of a gigabyte costs its row and no memory, in CSV and in JSON lines."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.queries import imports
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect

pytestmark = pytest.mark.proof

GIGABYTE = 1 << 30
MOST = 96 << 10  # kilobytes that reading it may take


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("people.csv", b'email,note\na@example.com,x\nhuge@example.com,"', b'"\nb@example.com,y\n'),
        ("people.jsonl", b'{"email":"a@example.com"}\n{"email":"', b'"}\n{"email":"b@example.com"}\n'),
    ],
)
def test_a_cell_of_a_gigabyte_costs_its_row(db, tmp_path: Path, name: str, before: bytes, after: bytes) -> None:
    path = tmp_path / name
    piece = b"x" * (1 << 20)
    with path.open("wb") as out:
        out.write(before)
        for _ in range(GIGABYTE // len(piece)):
            out.write(piece)
        out.write(after)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shape = inspect(path, tmp_path)
    with unit_of_work() as session:
        batch_id = batches.create(session, shape, name)
        batches.prepare(session, batch_id, imports.batch(session, batch_id).mapping, Statement(source="a proof"))
    done = importing.run(batch_id)
    path.unlink()
    assert (done.status, done.added, done.rejected) == ("done", 2, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < MOST
