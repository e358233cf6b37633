"""Merging a batch of people into the base: COPY into a staging table, then a handful of set-based statements.

People who are new get what the file says; what happens to those who are known is up to the rules of the fields
(``changing``). What the file says of their permission goes to consent, through the registries of ``terms``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.orm import Session

from app.core.db import driver
from app.customers.policy.rows import CORE, Person
from app.customers.policy.states import Standing
from app.customers.services.importing import changing
from app.customers.services.importing.terms import Departures, PermissionTerms, barriers, leavers, sinks

_STAGE = f"""
CREATE TEMPORARY TABLE incoming (
    line bigint, email text, email_key text, address_key bytea, {", ".join(f"{name} text" for name in CORE)},
    tags text[], attributes jsonb, standing text, at timestamptz, ip text, changed_at timestamptz
) ON COMMIT DROP;
CREATE TEMPORARY TABLE people (contact_id bigint, address_key bytea) ON COMMIT DROP
"""
_COPY = (
    f"COPY incoming (line, email, email_key, address_key, {', '.join(CORE)}, tags, attributes, standing, at, ip,"
    " changed_at) FROM STDIN"
)
_FIND = text("""
INSERT INTO people SELECT c.id, c.address_key FROM incoming i JOIN contact c ON c.email_key = i.email_key
WHERE NOT EXISTS (SELECT FROM people p WHERE p.address_key = i.address_key)
""")
_ADD = text("""
WITH added AS (
    INSERT INTO contact (email, email_key, address_key, first_name, last_name, language, time_zone, country, source,
                         tags, attributes, known_at, batch_id, created_at, updated_at)
    SELECT email, email_key, address_key, coalesce(first_name, ''), coalesce(last_name, ''), language, time_zone,
           country, coalesce(source, :source), tags, attributes, changed_at, :batch_id, :now, :now
    FROM incoming i WHERE NOT EXISTS (SELECT FROM people p WHERE p.address_key = i.address_key)
    ORDER BY i.line -- ids in the order of the file
    ON CONFLICT (email_key) WHERE email_key IS NOT NULL DO NOTHING
    RETURNING id, address_key
)
INSERT INTO people SELECT id, address_key FROM added
""")
_REMOVE = text("""
WITH gone AS (DELETE FROM people WHERE address_key = ANY(:keys) RETURNING contact_id)
DELETE FROM contact c USING gone WHERE c.id = gone.contact_id AND c.address_key = ANY(:keys) AND c.created_at = :now
""")
# Who left elsewhere, with what they left; the others go on to be permitted.
_PART = """
CREATE TEMPORARY TABLE departed ON COMMIT DROP AS
    SELECT p.contact_id, p.address_key, i.standing, i.at FROM people p JOIN incoming i USING (address_key)
    WHERE i.standing IS NOT NULL;
DELETE FROM people p USING departed d WHERE d.contact_id = p.contact_id
"""
_DATE = """
ALTER TABLE people ADD COLUMN at timestamptz, ADD COLUMN ip text;
UPDATE people p SET at = i.at, ip = i.ip FROM incoming i WHERE i.address_key = p.address_key
"""


@dataclass(frozen=True)
class MergeTerms:
    """How people are merged: for which batch, by which rules (target → rule, overwriting where none is named), when,
    and what ``source`` new people get whose row names none. ``permission`` is None when the import states none."""

    batch_id: int
    now: datetime
    source: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    permission: PermissionTerms | None = None
    departures: Departures | None = None


@dataclass
class Merged:
    """What a merge did. ``barred`` holds address keys that must not come back."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    permitted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    barred: set[bytes] = field(default_factory=set)

    def refuse(self, counts: Mapping[str, int]) -> None:
        """Count people who get no permission, by reason."""
        for reason, number in counts.items():
            self.refused[reason] = self.refused.get(reason, 0) + number


def merge(session: Session, people: Sequence[Person], terms: MergeTerms) -> Merged:
    """Add and update ``people`` (each address once) and record what is stated of their permission, all in the
    session's transaction."""
    merged = Merged()
    if not people:
        return merged
    _stage(session, people)
    merged.barred = _bar(session)
    total = len(people) - len(merged.barred)
    known = _count(session, _FIND)
    values = {"now": terms.now, "source": terms.source, "batch_id": terms.batch_id}
    for _attempt in range(3):
        merged.added += _count(session, _ADD, values)
        if known + merged.added >= total:
            break
        known += _count(session, _FIND)  # somebody else added the same person meanwhile
    if late := _bar(session):
        # They were erased while this batch was on its way, after it was asked who must not come back.
        merged.added -= _count(session, _REMOVE, {"keys": list(late), "now": terms.now})
        merged.barred |= late
        total -= len(late)
    if known:
        update = changing.statement(terms.rules)
        merged.updated = _count(session, update, {"now": terms.now, "batch_id": terms.batch_id})
    merged.unchanged = total - merged.added - merged.updated
    if any(person.said.standing is not Standing.PERMITTED for person in people):
        _let_go(session, terms, merged)
    if terms.permission is not None:
        dated = any(person.said.at or person.said.ip for person in people)
        _permit(session, replace(terms.permission, dated=dated), merged)
    return merged


def _stage(session: Session, people: Sequence[Person]) -> None:
    connection = driver(session)
    connection.execute("DROP TABLE IF EXISTS pg_temp.incoming, pg_temp.people, pg_temp.departed")
    connection.execute(_STAGE)
    with connection.cursor().copy(_COPY) as copy:
        for p in people:
            attributes = ", ".join([f'"{name}": {value}' for name, value in p.attributes.items()])
            said = p.said
            standing = None if said.standing is Standing.PERMITTED else said.standing.value
            copy.write_row(
                (
                    p.line,
                    p.email,
                    p.email_key,
                    p.address_key,
                    *p.core,
                    p.tags,
                    "{" + attributes + "}",
                    standing,
                    said.at,
                    said.ip,
                    said.changed_at,
                )
            )
    connection.execute("ANALYZE incoming (email_key, address_key)")


def _bar(session: Session) -> set[bytes]:
    barred: set[bytes] = set()
    for barrier in barriers:
        barred |= barrier(session, "incoming")
    if barred:
        session.execute(text("DELETE FROM incoming WHERE address_key = ANY(:keys)"), {"keys": list(barred)})
    return barred


def _let_go(session: Session, terms: MergeTerms, merged: Merged) -> None:
    driver(session).execute(_PART)
    rows = session.execute(text("SELECT standing, count(*) FROM departed GROUP BY standing"))
    merged.refuse({f"file_{row[0]}": row[1] for row in rows})
    if terms.departures is not None:
        for leaver in leavers:
            leaver(session, terms.departures, "departed")


def _permit(session: Session, terms: PermissionTerms, merged: Merged) -> None:
    if terms.dated:
        driver(session).execute(_DATE)
    session.execute(text("ANALYZE people"))
    for sink in sinks:
        result = sink(session, terms, "people")
        merged.permitted += result.permitted
        merged.refuse(result.refused)


def _count(session: Session, statement: TextClause, values: Mapping[str, object] | None = None) -> int:
    """Run a statement and return how many rows it touched."""
    result = session.execute(statement, values or {})
    assert isinstance(result, CursorResult)
    return result.rowcount
