"""An import that is killed, stopped or repeated: nothing is doubled, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import Conflict
from app.customers.engine import importing
from app.customers.queries import imports
from app.customers.services.importing import batches, forgetting

RUN = """
import sys
from app.core import config, db
from app.core.config import Settings
settings = Settings.from_env()
config.use(settings)
db.connect(settings.database_url)
from app.customers.engine import importing
importing.BATCH = 200
importing.run(int(sys.argv[1]))
"""


def counts(db) -> tuple[int, int]:
    with db.connect() as connection:
        return tuple(connection.execute(text("SELECT count(*), count(DISTINCT email_key) FROM contact")).one())


def start(batch_id: int) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(batch_id)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )


def position(batch_id: int) -> int:
    with unit_of_work() as session:
        return imports.batch(session, batch_id).rows


def test_killed_again_and_again_it_imports_everybody_once(prepare_import, db):
    number = 20_000
    rows = "".join(f"p{n}@example.com,P{n}\n" if n % 10 else f"bad{n},P{n}\n" for n in range(number))
    batch_id = prepare_import(f"email,first name\n{rows}")
    seen = 0
    for _kill in range(3):
        process = start(batch_id)
        deadline = time.monotonic() + 30
        while position(batch_id) <= seen and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert position(batch_id) >= seen
        seen = position(batch_id)
    assert 0 < seen < number, "it was not killed in the middle"
    done = importing.run(batch_id)
    assert (done.status, done.rows, done.added, done.updated, done.unchanged, done.rejected) == (
        "done",
        number,
        number * 9 // 10,
        0,
        0,
        number // 10,
    )
    assert counts(db) == (number * 9 // 10, number * 9 // 10)
    with unit_of_work() as session:
        lines = [reject.line for reject in imports.rejects(session, batch_id)]
    assert lines == [n + 2 for n in range(0, number, 10)]


def test_it_stops_where_it_is_asked_to_and_goes_on_there(prepare_import, db, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 10)
    batch_id = prepare_import("email\n" + "".join(f"p{n}@example.com\n" for n in range(100)))

    def stop(batch: imports.BatchInfo) -> None:
        if batch.rows == 30:
            with unit_of_work() as session:
                batches.request_stop(session, batch_id)

    assert importing.run(batch_id, stop).status == "stopped"
    assert importing.run(batch_id).status == "stopped", "a late job must not start it again"
    assert counts(db)[0] == 40
    with unit_of_work() as session:
        batches.resume(session, batch_id)
    assert importing.run(batch_id).status == "done"
    assert counts(db) == (100, 100)


def test_two_processes_cannot_run_the_same_import(prepare_import, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 10)
    batch_id = prepare_import("email\n" + "".join(f"p{n}@example.com\n" for n in range(100)))
    ran = []

    def second(batch: imports.BatchInfo) -> None:
        if not ran:
            ran.append(True)
            importing.run(batch_id)

    first = importing.run(batch_id, second)
    assert (first.status, first.error, first.added) == ("done", None, 100)
    assert importing.run(batch_id).status == "done"


def test_a_missing_or_changed_file_fails_with_a_sentence(prepare_import, tmp_path):
    batch_id = prepare_import("email\na@example.com\n")
    (tmp_path / "people.csv").write_text("email\na@example.com\nb@example.com\n")
    failed = importing.run(batch_id)
    assert failed.status == "failed"
    assert "changed" in failed.error
    (tmp_path / "people.csv").unlink()
    assert "cannot be read" in importing.run(batch_id).error


def test_a_finished_import_cannot_be_repeated(import_csv):
    done = import_csv("email\na@example.com\n")
    with unit_of_work() as session, pytest.raises(Conflict):
        batches.begin(session, done.info.id)


def test_old_uploads_and_refused_rows_are_forgotten(import_csv, clock, settings):
    done = import_csv("email\nbad\n")
    upload = forgetting.folder() / "left.csv"
    upload.write_text("email\n")
    for days, left in ((29, (True, 1)), (31, (False, 1)), (91, (False, 0))):
        clock.to(done.info.created_at + timedelta(days=days))
        with unit_of_work() as session:
            forgetting.forget_old(session)
            assert (upload.exists(), len(list(imports.rejects(session, done.info.id)))) == left
