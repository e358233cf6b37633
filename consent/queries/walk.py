"""Reading the whole ledger chain by chain, with what was projected from it, in memory that its size does not change.

The database computes the hashes; while Python looks at one batch the next one is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, or_, select, text
from sqlalchemy.orm import Session

from app.customers.queries.contacts import contact_table
from consent.policy import chain

BATCH = 20_000  # entries, but a chain is never cut
_END = 2**63 - 1


class EntryRow(NamedTuple):
    """One entry, and ``what`` is wrong with it or its link; ``proven`` when its evidence is there."""

    contact_id: int
    seq: int
    id: int
    hash: bytes
    what: str | None
    claims: bool  # to have evidence
    proven: bool
    subject: str
    action: str
    state: str
    actor: str
    at: datetime
    recorded_at: datetime
    topic_id: int | None
    brand_id: int | None
    level: str | None
    basis: str | None
    address_key: bytes | None
    expires_at: datetime | None


class TopicRow(NamedTuple):
    """One row of ``permission``."""

    contact_id: int
    topic_id: int
    state: str
    level: str | None
    basis: str | None
    address_key: bytes | None
    since: datetime
    expires_at: datetime | None
    event_id: int


class TrackingRow(NamedTuple):
    """One row of ``tracking_permission``."""

    contact_id: int
    brand_id: int
    granted: bool
    since: datetime
    event_id: int


class PauseRow(NamedTuple):
    """One row of ``pause``."""

    contact_id: int
    brand_id: int
    until: datetime
    since: datetime
    event_id: int


class MarkRow(NamedTuple):
    """What the ledger has marked on a contact."""

    contact_id: int
    objected_at: datetime | None
    complained_at: datetime | None
    erased: bool


@dataclass(frozen=True)
class Held:
    """All that is known of one contact: the chain (perhaps none) and its projections (perhaps none)."""

    contact_id: int
    entries: list[EntryRow]
    topics: list[TopicRow]
    tracking: list[TrackingRow]
    pauses: list[PauseRow]
    mark: MarkRow | None


_COMPUTED = [
    chain.sql_link("prev_hash", {name: f"linked.{name}" for name in chain.COLUMNS}, version)
    for version in (chain.VERSION, chain.FORMER)
]
_ENTRIES = f"""
WITH linked AS (
    SELECT event.*, lag(event.seq) OVER chain AS previous_seq, lag(event.hash) OVER chain AS previous_hash
    FROM permission_event event
    WHERE event.contact_id > :after AND event.contact_id <= :upto
    WINDOW chain AS (PARTITION BY event.contact_id ORDER BY event.seq)
), words AS MATERIALIZED (
    SELECT id, form_id, kind, language, version::text AS version, {chain.sql_words_digest()} AS digest FROM wording
)
SELECT linked.contact_id, linked.seq, linked.id, linked.hash,
       CASE
           WHEN seq <> coalesce(previous_seq, 0) + 1 THEN 'an entry is missing before this one'
           WHEN prev_hash <> coalesce(previous_hash, :first) THEN 'it does not follow from the entry before it'
           WHEN hash <> {_COMPUTED[0]} AND hash <> {_COMPUTED[1]} THEN 'the entry was changed'
           WHEN evidence.event_id IS NOT NULL AND evidence_digest IS NULL THEN 'evidence was added'
           WHEN {chain.sql_digest("evidence.salt", "evidence.detail")} <> evidence_digest
               THEN 'the evidence was changed'
           WHEN evidence.detail ->> 'wording_sha256' <> coalesce(shown.digest, '')
               THEN 'the words that were shown were changed'
           WHEN evidence.detail ->> 'notice_sha256' <> coalesce(told.digest, '')
               THEN 'the notice that was shown was changed'
       END AS what,
       evidence_digest IS NOT NULL AS claims, evidence.event_id IS NOT NULL AS proven,
       subject, action, state, actor, at, recorded_at, topic_id, brand_id, level, basis, address_key, expires_at
FROM linked LEFT JOIN permission_evidence evidence ON evidence.event_id = linked.id
LEFT JOIN words shown ON shown.id = linked.wording_id
LEFT JOIN words told ON told.kind = 'notice_shown' AND told.form_id = linked.form_id
    AND told.language = linked.language AND told.version = evidence.detail ->> 'notice_version'
ORDER BY linked.contact_id, linked.seq
"""  # noqa: S608 - made of names of ours alone
_RANGE = "contact_id > :after AND contact_id <= :upto ORDER BY contact_id"
_TOPICS = f"SELECT {', '.join(TopicRow._fields)} FROM permission WHERE {_RANGE}"  # noqa: S608
_TRACKING = f"SELECT {', '.join(TrackingRow._fields)} FROM tracking_permission WHERE {_RANGE}"  # noqa: S608
_PAUSES = f"SELECT {', '.join(PauseRow._fields)} FROM pause WHERE {_RANGE}"  # noqa: S608
# Of a batch, the last contact; none when fewer entries are left.
_UPTO = "SELECT contact_id FROM permission_event WHERE contact_id > :after ORDER BY contact_id OFFSET :size LIMIT 1"
_ORPHAN = """
SELECT event_id FROM permission_evidence evidence
WHERE NOT EXISTS (SELECT 1 FROM permission_event event WHERE event.id = evidence.event_id) ORDER BY event_id LIMIT 1
"""


class _OfContact(Protocol):
    @property
    def contact_id(self) -> int: ...


R = TypeVar("R", bound=_OfContact)


def walk(session: Session, size: int = BATCH) -> Iterator[Held]:
    """Return everybody who has a chain or a projection, by contact id. The session must not be used meanwhile."""
    connection, after = session.connection(), 0
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(_batch, connection, after, size)
        while after < _END:
            batch, after = coming.result()
            if after < _END:
                coming = pool.submit(_batch, connection, after, size)
            yield from batch


def orphan(session: Session) -> int | None:
    """Return the id of an entry that evidence names and the ledger lacks."""
    found: int | None = session.scalar(text(_ORPHAN))
    return found


def estimate(session: Session) -> int:
    """Return about how many entries there are, as the planner thinks; 0 when it does not know."""
    counted: int = session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'permission_event'::regclass")) or 0
    return max(int(counted), 0)


def _batch(connection: Connection, after: int, size: int) -> tuple[list[Held], int]:
    upto = connection.scalar(text(_UPTO), {"after": after, "size": size - 1})
    upto = _END if upto is None else upto
    bounds = {"after": after, "upto": upto}
    entries = _grouped(EntryRow(*row) for row in connection.execute(text(_ENTRIES), bounds | {"first": chain.FIRST}))
    topics = _grouped(TopicRow(*row) for row in connection.execute(text(_TOPICS), bounds))
    tracking = _grouped(TrackingRow(*row) for row in connection.execute(text(_TRACKING), bounds))
    pauses = _grouped(PauseRow(*row) for row in connection.execute(text(_PAUSES), bounds))
    marks = {mark.contact_id: mark for mark in _marks(connection, after, upto)}
    return [
        Held(
            number,
            entries.get(number, []),
            topics.get(number, []),
            tracking.get(number, []),
            pauses.get(number, []),
            marks.get(number),
        )
        for number in sorted(entries.keys() | topics.keys() | tracking.keys() | pauses.keys() | marks.keys())
    ], upto


def _grouped(rows: Iterable[R]) -> dict[int, list[R]]:
    return {number: list(group) for number, group in groupby(rows, key=lambda row: row.contact_id)}


def _marks(connection: Connection, after: int, upto: int) -> Iterator[MarkRow]:
    contact = contact_table()
    marks = (contact.c.objected_at, contact.c.complained_at, contact.c.erased_at)
    query = select(contact.c.id, *marks).where(
        contact.c.id > after, contact.c.id <= upto, or_(*(mark.is_not(None) for mark in marks))
    )
    for number, objected_at, complained_at, erased_at in connection.execute(query):
        yield MarkRow(number, objected_at, complained_at, erased_at is not None)
