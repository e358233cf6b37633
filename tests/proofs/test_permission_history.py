"""Decisions from the ledger equal the gates in SQL, for a hundred thousand histories."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.consent.test_standing import Step, World, check_histories, steps, worlds

# In parts, each with a database of its own: what is rolled back leaves dead rows, and they slow down all that follows.
PARTS, EXAMPLES, PEOPLE = 40, 250, 10


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand_histories(db: Engine, part: int) -> None:
    @hypothesis_settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(stories=st.lists(steps, min_size=PEOPLE, max_size=PEOPLE), world=worlds)
    def equal(stories: list[list[Step]], world: World) -> None:
        with Session(db) as session:
            check_histories(session, stories, world)
            session.rollback()

    equal()
