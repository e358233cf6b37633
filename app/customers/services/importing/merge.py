"""Merging a batch of people into the base: COPY into a staging table, then a handful of set-based statements.

A value given overwrites, a value not given leaves what is there; tags are added. People whose row changes nothing
are not written to (in PostgreSQL an update that changes nothing still writes the row and every index again).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.orm import Session

from app.core.db import driver
from app.customers.policy.rows import CORE, Person
from app.customers.services.importing.terms import PermissionTerms, barriers, sinks

_STAGE = f"""
CREATE TEMPORARY TABLE incoming (
    email text, email_key text, address_key bytea, {", ".join(f"{name} text" for name in CORE)},
    tags text[], attributes jsonb, permit boolean
) ON COMMIT DROP;
CREATE TEMPORARY TABLE people (contact_id bigint, address_key bytea) ON COMMIT DROP
"""
_COPY = f"COPY incoming (email, email_key, address_key, {', '.join(CORE)}, tags, attributes, permit) FROM STDIN"
_FIND = text("""
INSERT INTO people SELECT c.id, c.address_key FROM incoming i JOIN contact c ON c.email_key = i.email_key
WHERE NOT EXISTS (SELECT FROM people p WHERE p.address_key = i.address_key)
""")
_ADD = text("""
WITH added AS (
    INSERT INTO contact (email, email_key, address_key, first_name, last_name, language, time_zone, country, source,
                         tags, attributes, created_at, updated_at)
    SELECT email, email_key, address_key, coalesce(first_name, ''), coalesce(last_name, ''), language, time_zone,
           country, coalesce(source, :source), tags, attributes, :now, :now
    FROM incoming i WHERE NOT EXISTS (SELECT FROM people p WHERE p.address_key = i.address_key)
    ORDER BY i.ctid -- ids in the order of the file
    ON CONFLICT (email_key) WHERE email_key IS NOT NULL DO NOTHING
    RETURNING id, address_key
)
INSERT INTO people SELECT id, address_key FROM added
""")
_REMOVE = text("""
WITH gone AS (DELETE FROM people WHERE address_key = ANY(:keys) RETURNING contact_id)
DELETE FROM contact c USING gone WHERE c.id = gone.contact_id AND c.address_key = ANY(:keys) AND c.created_at = :now
""")
_CHANGES = " OR ".join(f"i.{name} IS NOT NULL AND i.{name} IS DISTINCT FROM c.{name}" for name in CORE)
_UPDATE = text(f"""
UPDATE contact c SET {", ".join(f"{name} = coalesce(i.{name}, c.{name})" for name in CORE)},
    attributes = c.attributes || i.attributes,
    tags = c.tags || ARRAY(SELECT t FROM unnest(i.tags) t WHERE t <> ALL (c.tags)),
    updated_at = :now
FROM incoming i WHERE c.email_key = i.email_key
  AND ({_CHANGES} OR c.attributes || i.attributes IS DISTINCT FROM c.attributes OR NOT c.tags @> i.tags)
""")  # noqa: S608 - only names of columns


@dataclass
class Merged:
    """What a merge did. ``barred`` holds address keys that must not come back."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    permitted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    barred: set[bytes] = field(default_factory=set)


def merge(
    session: Session, people: Sequence[Person], terms: PermissionTerms | None, now: datetime, source: str
) -> Merged:
    """Add and update ``people`` (each address once) and record the terms for them, all in the session's transaction.

    ``now`` is the moment of the change, ``source`` what new people get whose row names none.
    """
    merged = Merged()
    if not people:
        return merged
    _stage(session, people)
    merged.barred = _bar(session)
    total = len(people) - len(merged.barred)
    known = _count(session, _FIND)
    values = {"now": now, "source": source}
    for _attempt in range(3):
        merged.added += _count(session, _ADD, values)
        if known + merged.added >= total:
            break
        known += _count(session, _FIND)  # somebody else added the same person meanwhile
    if late := _bar(session):
        # They were erased while this batch was on its way, after it was asked who must not come back.
        merged.added -= _count(session, _REMOVE, {"keys": list(late), "now": now})
        merged.barred |= late
        total -= len(late)
    if known:
        merged.updated = _count(session, _UPDATE, {"now": now})
    merged.unchanged = total - merged.added - merged.updated
    if terms is not None:
        _permit(session, terms, merged)
    return merged


def _stage(session: Session, people: Sequence[Person]) -> None:
    connection = driver(session)
    connection.execute("DROP TABLE IF EXISTS incoming, people")
    connection.execute(_STAGE)
    with connection.cursor().copy(_COPY) as copy:
        for p in people:
            attributes = ", ".join([f'"{name}": {value}' for name, value in p.attributes.items()])
            copy.write_row((p.email, p.email_key, p.address_key, *p.core, p.tags, "{" + attributes + "}", p.permit))
    connection.execute("ANALYZE incoming (email_key, address_key)")


def _bar(session: Session) -> set[bytes]:
    barred: set[bytes] = set()
    for barrier in barriers:
        barred |= barrier(session, "incoming")
    if barred:
        session.execute(text("DELETE FROM incoming WHERE address_key = ANY(:keys)"), {"keys": list(barred)})
    return barred


def _permit(session: Session, terms: PermissionTerms, merged: Merged) -> None:
    left = _count(
        session,
        text("DELETE FROM people p USING incoming i WHERE i.address_key = p.address_key AND NOT i.permit"),
    )
    if left:
        merged.refused["opted_out"] = left
    session.execute(text("ANALYZE people"))
    for sink in sinks:
        result = sink(session, terms, "people")
        merged.permitted += result.permitted
        for reason, number in result.refused.items():
            merged.refused[reason] = merged.refused.get(reason, 0) + number


def _count(session: Session, statement: TextClause, values: Mapping[str, object] | None = None) -> int:
    """Run a statement and return how many rows it touched."""
    result = session.execute(statement, values or {})
    assert isinstance(result, CursorResult)
    return result.rowcount
