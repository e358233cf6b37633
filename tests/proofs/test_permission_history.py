"""Decisions from the ledger equal the gates in SQL, for a hundred thousand histories."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from sqlalchemy.orm import Session

from tests.consent.test_standing import Step, World, check_history, steps, worlds


@pytest.mark.proof
@hypothesis_settings(
    deadline=None, max_examples=100_000, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(story=steps, world=worlds)
def test_a_hundred_thousand_histories(session: Session, story: list[Step], world: World) -> None:
    with session.begin_nested() as savepoint:
        check_history(session, story, world)
        savepoint.rollback()
    session.expire_all()
