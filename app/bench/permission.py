"""Permission at size: what the gates add to freezing a launch, and how long a preference page takes.

The reference is plain SQL in the same run: the same people in the same order, with all that a launch stores of them,
read without asking any gate; and the rows of one person's page. Fewer than half of the people may be written to; the
others stand for every reason why not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import BigInteger, Text, column, func, select, table, text
from sqlalchemy.orm import Session

from app.bench import mailing
from app.bench.ground import Result, database, seconds_of
from app.core import config, db, tokens
from app.core.db import unit_of_work
from app.factory import create_app
from campaigns.services import launch
from campaigns.services.freeze import SETTINGS, asked_of, freeze
from consent.services import topics

TOPICS = 5
PAGES, WARM_UP = 200, 20
PEOPLE = table("bench_people", column("contact_id", BigInteger), column("shut", Text))


def run(*, quick: bool) -> Result:
    """Measure with 1,000,000 people, 5 topics and 200,000 suppressions; with a fiftieth of that when ``quick``."""
    people = 20_000 if quick else 1_000_000
    with database():
        # Nothing is sent; a launch only has to know a relay.
        config.use(config.current().model_copy(update={"smtp_url": config.current().smtp_url or "smtp://127.0.0.1:25"}))
        app = create_app(config.current())
        with unit_of_work() as session:
            topic_id = _fill(session, people)
            campaign_id = mailing.make_campaign(session, topic_id)
            launch.launch(session, campaign_id)
        _settle()
        joined, plain = _reads(topic_id)
        began = time.perf_counter()
        with unit_of_work() as session:
            freeze(session, campaign_id)
        frozen = time.perf_counter() - began
        # Far apart, so that none finds its rows in a page that the one before it has read; the first ones warm up.
        chosen = range(1, people, people // (PAGES + WARM_UP))
        pages = [seconds_of(_page(app.test_client(), campaign_id, number)) for number in chosen][WARM_UP:]
        rows = [seconds_of(_rows(number)) for number in chosen][WARM_UP:]
    return Result(
        "permission",
        figures={
            "people": people,
            "gates_add_s": joined - plain,
            "freeze_s": frozen,
            "preference_page_ms": 1000 * statistics.median(pages),
            "preference_page_p95_ms": 1000 * sorted(pages)[PAGES * 95 // 100],
        },
        references={"plain_read_s": plain, "plain_rows_ms": 1000 * statistics.median(rows)},
        ratios={"gates_to_freeze": (joined - plain) / frozen},
    )


def _fill(session: Session, people: int) -> int:
    """Make the people of ``mailing`` and, set-based, all that makes their permissions differ; return the topic's id."""
    topic_id = mailing.make_audience(session, people)
    brand_id = session.scalar(text("SELECT brand_id FROM topic"))
    others = [topics.create(session, brand_id, f"Topic {number}") for number in range(2, TOPICS + 1)]
    for statement in _DIFFER:
        session.execute(text(statement), {"topic": topic_id, "suppressions": people // 5})
    session.execute(text(_OTHERS), {"topic": topic_id, "others": others})
    return topic_id


# Each tenth of the people stands for one way in which a permission stands.
_DIFFER = (
    "UPDATE contact SET country = (ARRAY['FR', 'GB', 'DE', 'ES', 'CA', 'US', 'CH'])[1 + id % 7] WHERE id % 3 > 0",
    "UPDATE contact SET objected_at = now() WHERE id % 100 = 7",
    "UPDATE permission SET state = 'withdrawn' WHERE topic_id = :topic AND contact_id % 10 = 1",
    "UPDATE permission SET state = 'pending' WHERE topic_id = :topic AND contact_id % 10 = 2",
    "UPDATE permission SET expires_at = now() - interval '1 day' WHERE topic_id = :topic AND contact_id % 10 = 3",
    "UPDATE permission SET level = 'opt_in' WHERE topic_id = :topic AND contact_id % 10 = 4",
    "UPDATE permission SET basis = 'soft_opt_in', level = 'opt_out' WHERE topic_id = :topic AND contact_id % 10 = 5",
    "DELETE FROM permission WHERE topic_id = :topic AND contact_id % 10 = 6",
    # Half of the suppressed addresses are those of people in the base.
    """
    INSERT INTO suppression (kind, address_key, sha256, reason)
    SELECT 'address', coalesce(c.address_key, sha256(n::text::bytea)), sha256(n::text::bytea), 'hard_bounce'
    FROM generate_series(1, :suppressions) n LEFT JOIN contact c ON c.id = n * 5 AND n % 2 = 0
    """,
)
# The ledger holds the entries of the topic that is mailed; the other topics are read from the projection alone.
_OTHERS = """
INSERT INTO permission (contact_id, topic_id, state, level, basis, address_key, since, event_id)
SELECT c.id, t, 'granted', 'confirmed', 'consent', c.address_key, now(), 0
FROM contact c, unnest(CAST(:others AS bigint[])) t
"""


# What ``asked_of`` reads, but for what the gates give.
_PLAIN = """
SELECT count(contact_id), count(shut), count(address_key), count(language), count(domain), count(granted) FROM (
    SELECT contact_id, shut, c.address_key, c.language, c.domain, t.granted FROM bench_people
    JOIN contact c ON c.id = contact_id
    LEFT JOIN tracking_permission t USING (contact_id) ORDER BY contact_id OFFSET 0) read
"""


def _settle() -> None:
    """Let PostgreSQL see what was made, as autovacuum would before a launch."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE contact, permission, suppression, permission_event"))


def _reads(topic_id: int) -> tuple[float, float]:
    """Return the seconds of reading all people as a launch does, and without the gates; each the best of several.

    PostgreSQL hashes where it could merge when it joins little, which takes longer here: so the reading without gates
    is tried both ways, or the gates would look cheaper than they are.
    """
    with unit_of_work() as session:
        # As a launch has it; and an INSERT ... SELECT, which it is, gets no parallel plan.
        for setting in (*SETTINGS, "max_parallel_workers_per_gather = 0"):
            session.execute(text(f"SET LOCAL {setting}"))
        people = "SELECT id AS contact_id, CAST(NULL AS text) AS shut FROM contact"
        session.execute(text(f"CREATE TEMP TABLE bench_people ON COMMIT DROP AS {people}"))
        session.execute(text("ANALYZE bench_people"))
        brand_id = session.scalar(text("SELECT brand_id FROM topic WHERE id = :id"), {"id": topic_id})
        asked = asked_of(PEOPLE, topic_id, brand_id)
        # To count makes PostgreSQL compute what is counted, for asked_of holds OFFSET.
        joined, plain = select(*(func.count(found) for found in asked.c)), text(_PLAIN)
        times = []
        for hashed in ("on", "off") * 3:
            with_gates = seconds_of(lambda: session.execute(joined))
            session.execute(text(f"SET LOCAL enable_hashjoin = {hashed}"))
            times.append((with_gates, seconds_of(lambda: session.execute(plain))))
            session.execute(text("SET LOCAL enable_hashjoin = on"))
    return min(first for first, _ in times), min(second for _, second in times)


def _page(client: FlaskClient, campaign_id: int, contact_id: int) -> Callable[[], object]:
    """Return what asks for the preference page behind the mail of a contact."""
    token = tokens.sign_message(tokens.Purpose.PERMISSION, campaign_id, contact_id)

    def ask() -> None:
        answer = client.get(f"/preferences/{token}")
        assert answer.status_code == 200, answer.status

    return ask


def _rows(contact_id: int) -> Callable[[], object]:
    """Return what reads the rows that such a page stands on, by plain SQL."""
    query = text("SELECT * FROM contact c JOIN permission p ON p.contact_id = c.id WHERE c.id = :id")

    def read() -> None:
        with unit_of_work() as session:
            session.execute(query, {"id": contact_id}).all()

    return read
