"""The fold of permission over time at size."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine, text

from app.core import clock as now
from app.core.db import unit_of_work
from consent.policy.statistics import By
from consent.queries.statistics import statistics
from consent.services import statistics as service
from tests.factories import consent as make


@pytest.mark.proof
def test_a_million_entries_are_folded_in_seconds(db: Engine) -> None:
    with unit_of_work() as session:
        topics = [make.make_topic(session) for _ in range(5)]
        session.execute(
            text("""
            INSERT INTO permission_event (contact_id, seq, at, recorded_at, subject, topic_id, action, state, level,
                basis, address_key, actor, prev_hash, hash)
            SELECT n / 5, n % 5 + 1, now() - n % 1000 * interval '1 day', now(), 'topic',
                (CAST(:topics AS bigint[]))[n % 2 + 1], CASE WHEN n % 5 = 4 THEN 'withdraw' ELSE 'confirm' END,
                CASE WHEN n % 5 = 4 THEN 'withdrawn' ELSE 'granted' END, 'confirmed', 'consent', '\\x01',
                'subscriber', '', ''
            FROM generate_series(1, 1000000) AS n
            """),
            {"topics": topics},
        )
    with unit_of_work() as session:
        took = service.fold(session)
        found = statistics(session, topics, date(2020, 1, 1), now.now().date(), By.MONTH)
    assert took < 60_000 and found.whole.moves.gained > 100_000
