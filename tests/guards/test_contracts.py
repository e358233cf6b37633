"""Every import contract catches a violation that is planted for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# Contract id → (file, what is written into it).
PLANTED = {
    "rooms": ("app/core/clock.py", "import app.customers\n"),
    "core": ("app/core/errors.py", "import app.core.db\n"),
    "mail": ("app/mail/mime.py", "import app.mail.smtp\n"),
    "shelves": ("consent/helpers.py", "VALUE = 1\n"),
    "private-accounts": ("app/brands/queries/planted.py", "import app.accounts.models\n"),
    "private-brands": ("consent/queries/planted.py", "import app.brands.models\n"),
    "private-customers": ("consent/queries/planted.py", "import app.customers.models\n"),
    "private-consent": ("campaigns/queries/planted.py", "import consent.models\n"),
    "private-campaigns": ("tracking/queries/planted.py", "import campaigns.models\n"),
    "private-tracking": ("reports/queries/planted.py", "import tracking.models\n"),
    "flask": ("consent/services/planted.py", "import flask\n"),
    "sqlalchemy": ("consent/policy/planted.py", "import sqlalchemy\n"),
    "pure-policy": ("consent/policy/planted.py", "import app.core.db\n"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("app", "consent", "campaigns", "tracking", "reports"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("static", "__pycache__", "assets"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--contract", contract]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_contract_is_planted() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(PLANTED)


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_is_caught(copy: Path, contract: str) -> None:
    name, text = PLANTED[contract]
    path = copy / name
    if path.parent.with_suffix(".py").exists():  # the shelf is still one file: plant it there
        path = path.parent.with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as planted:
        planted.write(f"\n{text}")
    done = lint(copy, contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout, done.stdout + done.stderr
