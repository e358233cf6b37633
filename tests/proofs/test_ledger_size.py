"""A million entries are verified and anchored in the time that was promised."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.bench import ledger


@pytest.mark.proof
def test_a_million_entries_are_verified_in_under_a_minute(db: Engine) -> None:
    figures = ledger.run(quick=False).figures
    assert figures["entries"] == 1_000_000
    assert figures["verify_seconds"] < 60 and figures["verify_with_anchor_seconds"] < 60
    assert figures["anchor_seconds"] < 60
