"""``flask``: engines come and go with the command that needs them; errors are sentences."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.local import engines

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def flask(tmp_path):
    """Run ``flask`` with a fresh ``var``; returns the finished process."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not re.search("_URL$|_KEY$", name)}
        return subprocess.run(
            [sys.executable, "-m", "flask", *words],
            cwd=ROOT,
            env={**kept, "PERMESSO_VAR": str(tmp_path / "var"), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_a_command_starts_the_engines_it_needs_and_stops_them(flask, tmp_path):
    done = flask("db", "upgrade")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"upgraded": True}), done.stderr
    assert engines.running(tmp_path / "var") is None


def test_a_command_joins_engines_that_run_and_leaves_them(flask, tmp_path):
    started = engines.start(tmp_path / "var", durable=False)
    try:
        assert flask("db", "upgrade").returncode == 0
        joined = engines.running(tmp_path / "var")
        assert joined is not None
        joined.stop()
    finally:
        started.stop()


def test_a_command_that_needs_no_engine_starts_none(flask, tmp_path):
    design = tmp_path / "design.mjml"
    design.write_text(
        "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    done = flask("mail", "compile", str(design))
    assert done.returncode == 0, done.stderr
    assert "Hi" in json.loads(done.stdout)["text"]
    assert not (tmp_path / "var" / "postgres").exists()


def test_what_a_person_can_mend_is_a_sentence_and_exit_1(flask, tmp_path):
    design = tmp_path / "design.mjml"
    design.write_bytes(b"\xff")
    done = flask("mail", "compile", str(design))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not UTF-8 text" in done.stderr
    assert done.stderr.count("\n") == 1


def test_bad_usage_is_exit_2(flask):
    assert flask("db", "nonsense").returncode == 2
    assert flask("mail", "compile", "/nowhere.mjml").returncode == 2


def test_a_database_that_is_away_is_a_sentence(flask):
    done = flask("db", "upgrade", DATABASE_URL="postgresql://127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL names no database")
