"""The ledger: appending many entries set-based against plain COPY of the finished rows, verifying, anchoring."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path

from sqlalchemy import text

from app.bench.ground import Result, copy_seconds, database, seconds_of
from app.brands.services.set_up import BrandDetails, create_brand
from app.core import clock, db
from app.core.db import snapshot, unit_of_work
from app.customers.services.importing import PermissionTerms
from consent.queries import anchors
from consent.queries.verify import verify
from consent.services import topics
from consent.services.anchors import make
from consent.services.importing import record

TABLES = ("permission_event", "permission_evidence", "permission")
TOPICS = 4
_PIECE = 25_000


def run(*, quick: bool) -> Result:
    """Write, verify and anchor entries about four topics (20,000 when ``quick``, else a million)."""
    entries = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name, database():
        topic_ids = _people(entries // TOPICS)
        append = seconds_of(lambda: _append(topic_ids, entries // TOPICS))
        with db.raw(autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        check = seconds_of(lambda: _verify(entries))
        anchor = seconds_of(_anchor)
        against = seconds_of(lambda: _verify(entries))
        with db.raw() as connection:
            copy = copy_seconds(connection, TABLES, Path(name))
    return Result(
        "ledger",
        figures={
            "entries": entries,
            "append_per_s": entries / append,
            "verify_seconds": check,
            "verify_with_anchor_seconds": against,
            "anchor_seconds": anchor,
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
        references={"copy_per_s": entries / copy},
        ratios={"append_to_copy": copy / append, "verify_to_copy": copy / check},
    )


def _people(people: int) -> list[int]:
    """Add contacts; return the topics."""
    with unit_of_work() as session:
        brand_id = create_brand(session, BrandDetails(name="Bench", postal_address="1 Example Street"))
        session.execute(
            text(
                "INSERT INTO contact (email, email_key, address_key) SELECT name, name, sha256(name::bytea)"
                " FROM (SELECT format('p%s@example.com', n) AS name FROM generate_series(1, :people) n) named"
            ),
            {"people": people},
        )
        return [topics.create(session, brand_id, f"Topic {number}") for number in range(TOPICS)]


def _append(topic_ids: list[int], people: int) -> None:
    now = clock.now()
    for topic_id in topic_ids:
        for first in range(0, people, _PIECE):
            with unit_of_work() as session:
                session.execute(
                    text(
                        "CREATE TEMP TABLE arriving ON COMMIT DROP AS SELECT id AS contact_id, address_key FROM contact"
                        " WHERE id > :first AND id <= :last"
                    ),
                    {"first": first, "last": first + _PIECE},
                )
                terms = PermissionTerms(1, topic_id, "confirmed", "consent", "Bench", "Bench", now, "en")
                record(session, terms, "arriving")


def _verify(entries: int) -> None:
    with snapshot() as session:
        newest = anchors.latest(session)
        found = verify(session, anchors.check(session, newest.number) if newest else None)
    assert (found.broken, found.entries) == (None, entries), found


def _anchor() -> None:
    with unit_of_work() as session:
        make(session)
