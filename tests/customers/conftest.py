"""What tests of the customer base share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.queries.imports import BatchInfo, RejectInfo, rejects
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect


class Imported:
    """An import that ran, and what it refused."""

    def __init__(self, info: BatchInfo, refused: list[RejectInfo]) -> None:
        self.info = info
        self.refused = refused

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return (self.info.added, self.info.updated, self.info.unchanged, self.info.rejected)


@pytest.fixture
def prepare_import(db, tmp_path: Path) -> Callable[..., int]:
    """Write ``content`` to a file and make an import of it that can be run; returns its id."""

    def prepare(content: bytes | str, mapping: dict[str, str] | None = None, **options: object) -> int:
        path = tmp_path / str(options.pop("name", "people.csv"))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        shape = inspect(path, tmp_path)
        statement = options.pop("statement", Statement(source="a test"))
        with unit_of_work() as session:
            batch_id = batches.create(session, shape, "people.csv")
        with unit_of_work() as session:
            from app.customers.queries.imports import batch

            suggested = batch(session, batch_id).mapping
            batches.prepare(session, batch_id, suggested if mapping is None else mapping, statement, **options)
        return batch_id

    return prepare


@pytest.fixture
def import_csv(prepare_import) -> Callable[..., Imported]:
    """Import ``content`` and return what came of it."""

    def run(content: bytes | str, mapping: dict[str, str] | None = None, **options: object) -> Imported:
        info = importing.run(prepare_import(content, mapping, **options))
        assert info.status == "done", info.error
        assert info.rows == info.added + info.updated + info.unchanged + info.rejected
        with unit_of_work() as session:
            return Imported(info, list(rejects(session, info.id)))

    return run
