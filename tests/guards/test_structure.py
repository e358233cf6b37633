"""Rules about the code that no linter knows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from app.core import migrate
from app.core.config import Settings
from app.core.jobs import Queue
from app.local.run import Deployment

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "consent", "campaigns", "tracking", "reports")
MIGRATIONS = ROOT / "app" / "migrations" / "versions"


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    yield from (ROOT / line for line in listed.splitlines() if (ROOT / line).is_file())


def test_packages_do_nothing_when_they_are_imported() -> None:
    # import-linter does not see what app/__init__.py imports, so nothing may be there to see.
    tree = ast.parse((ROOT / "app" / "__init__.py").read_text())
    assert [type(node) for node in tree.body] == [ast.Expr]


def test_entry_points_import_only_the_factory() -> None:
    for name in ("wsgi.py", "worker.py"):
        modules = {
            node.module
            for node in ast.walk(ast.parse((ROOT / name).read_text()))
            if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        }
        assert modules <= {"app.core.config", "app.factory", "app.cli", "tracking.engine.endpoint"}, name


def test_imports_stand_at_the_top() -> None:
    indented = []
    for path in sources(*ROOMS):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                indented += [
                    f"{path.relative_to(ROOT)}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Import | ast.ImportFrom)
                ]
    assert indented == []


def test_files_hold_one_idea() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for path in sources(*ROOMS, "tests")
        if MIGRATIONS not in path.parents and (count := len(path.read_text().splitlines())) > 430
    ]
    assert long == []


def test_nothing_is_left_for_later() -> None:
    word = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    assert [str(path) for path in sources(*ROOMS, "tests") if word.search(path.read_text())] == []


def test_every_queue_has_a_worker(settings: Settings) -> None:
    with (settings.var / "lock").open("w") as lock:
        plan = Deployment(settings, empty=True).plan(lock)
    served = set()
    for program in plan:
        words = program.argv() if hasattr(program, "argv") and program.name in ("worker", "quick", "sender") else []
        served |= {queue for word in words if word.startswith("--queues=") for queue in word[9:].split(",")}
    assert served == {queue.value for queue in Queue}


def test_migrations_apply_to_an_empty_database_and_say_what_the_models_say(db: Engine, settings: Settings) -> None:
    migrate.check(settings.database_url)


def test_migrations_are_numbered_in_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS.parent))
    script = ScriptDirectory.from_config(config)
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert len(script.get_heads()) == 1
    assert sorted(revisions) == [f"{number:04}" for number in range(1, len(revisions) + 1)]


RESERVED = re.compile(r"(^|\.)(example(\.(com|net|org))?|test|invalid|localhost|local)$")
# What looks like an address and is none: the user and host of a URL, an address literal, a hostile case.
HARMLESS = re.compile(r"@(\d+\.|127\.|\[)")


def test_fixtures_write_to_reserved_domains_alone() -> None:
    """STANDARDS 26 (RFC 2606, RFC 6761): nothing in the tests or the sample can reach a person."""
    address = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", re.ASCII)
    wrong = []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if not name.startswith(("tests/", "app/local/sample", "app/bench", "templates/")):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        wrong += [
            f"{name}: {found.group()}"
            for found in address.finditer(text)
            if not RESERVED.search(found.group(1).lower()) and not HARMLESS.search(found.group())
        ]
    assert wrong == []


def test_only_conformance_tests_know_of_the_shared_data() -> None:
    word = "../" + "shared"
    here = Path(__file__).resolve()
    named = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path != here
        and "conformance" not in path.parts
        and path.suffix in {".py", ".md", ".toml", ".html", ".js", ".mjml", ".yml", ""}
        and word in path.read_text(errors="ignore")
    ]
    assert named == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_ci_calls_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK) and "make test" in script.read_text()
