"""The chain: the same bytes in Python and in SQL, append-only, unbroken by concurrent writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.db import unit_of_work
from consent.models import PermissionEvent
from consent.policy import chain
from consent.policy.chain import Record
from consent.policy.standing import Action
from tests.factories import consent as make

moments = st.integers(0, 4 * 10**15).map(lambda since: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=since))
numbers = st.integers(1, 2**62)
records = st.builds(
    Record,
    id=numbers,
    contact_id=numbers,
    seq=st.integers(1, 2**31 - 1),
    at=moments,
    recorded_at=moments,
    subject=st.sampled_from(["topic", "tracking", "marketing", "contact"]),
    action=st.sampled_from(list(Action)).map(str),
    state=st.sampled_from(["granted", "pending"]),
    actor=st.sampled_from(["subscriber", "import"]),
    topic_id=st.none() | numbers,
    brand_id=st.none() | numbers,
    level=st.none() | st.just("confirmed"),
    basis=st.none() | st.just("consent"),
    address_key=st.none() | st.binary(min_size=32, max_size=32),
    expires_at=st.none() | moments,
    wording_id=st.none() | numbers,
    language=st.none() | st.sampled_from(["en", "fr", "pt-BR"]),
    form_id=st.none() | numbers,
    campaign_id=st.none() | st.integers(1, 2**31 - 1),
    batch_id=st.none() | numbers,
    actor_id=st.none() | numbers,
    evidence_digest=st.none() | st.binary(min_size=32, max_size=32),
)
no_nul = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
shared = hypothesis_settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@shared
@given(
    record=records,
    previous=st.binary(min_size=32, max_size=32),
    version=st.sampled_from([chain.VERSION, chain.FORMER]),
)
def test_an_entry_has_the_same_hash_in_python_and_in_sql(
    session: Session, record: Record, previous: bytes, version: str
) -> None:
    kinds = dict.fromkeys(chain.TIMES, "timestamptz") | dict.fromkeys(chain.DIGESTS, "bytea")
    numeric = {name: "bigint" for name in chain.COLUMNS if name.endswith("id") or name == "seq"}
    expressions = {name: f"CAST(:{name} AS {(kinds | numeric).get(name, 'text')})" for name in chain.COLUMNS}
    statement = text("SELECT " + chain.sql_link("CAST(:previous AS bytea)", expressions, version))
    values = {name: getattr(record, name) for name in chain.COLUMNS}
    assert session.scalar(statement, {**values, "previous": previous}) == chain.link(previous, record, version)


@shared
@given(detail=st.dictionaries(no_nul, no_nul, max_size=5), salt=st.binary(min_size=16, max_size=16))
def test_evidence_has_the_same_digest_in_python_and_in_sql(
    session: Session, detail: dict[str, str], salt: bytes
) -> None:
    statement = text("SELECT " + chain.sql_digest("CAST(:salt AS bytea)", "CAST(:detail AS jsonb)"))
    in_sql = session.scalar(statement, {"salt": salt, "detail": chain.canonical_detail(detail).decode()})
    assert in_sql == chain.digest(salt, detail)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE permission_event SET state = 'granted'", "DELETE FROM permission_event", "TRUNCATE permission_event"],
)
def test_the_ledger_is_append_only(session: Session, statement: str) -> None:
    make.permitted_contact(session, make.make_topic(session))
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))


def test_concurrent_writers_keep_the_chain(db: Engine) -> None:
    with unit_of_work() as session:
        brand = make.make_brand(session)
        topic_ids = [make.make_topic(session, brand) for _ in range(3)]
        contact_id = make.make_contact(session)

    def write(number: int) -> None:
        with unit_of_work() as session:
            make.grant(session, contact_id, topic_ids[number % 3])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with unit_of_work() as session:
        query = select(PermissionEvent.seq, PermissionEvent.prev_hash, PermissionEvent.hash)
        rows = session.execute(query.order_by(PermissionEvent.seq)).all()
    assert [row.seq for row in rows] == list(range(1, 41))
    assert [row.prev_hash for row in rows] == [chain.FIRST, *(row.hash for row in rows[:-1])]
