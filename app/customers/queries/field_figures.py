"""What a declared field holds: how many people have a value, how many different ones, which are common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers.policy.values import Kind

TOP = 8
# Up to so many people everybody is looked at for the overview; of more, a sample of whole pages of the table.
SAMPLED = 50_000


@dataclass(frozen=True)
class Figures:
    """``filled`` of ``people`` have a value, ``distinct`` of them differ; ``top`` are the commonest, counted."""

    people: int
    filled: int
    distinct: int
    top: list[tuple[str, int]]

    @property
    def share(self) -> float:
        """The share of people who have a value, 0 to 1."""
        return self.filled / self.people if self.people else 0.0


_ALL = "FROM contact WHERE erased_at IS NULL AND merged_into IS NULL"
_SHARES = """
WITH sampled AS MATERIALIZED (
    SELECT attributes FROM contact TABLESAMPLE SYSTEM (:percent) REPEATABLE (1)
    WHERE erased_at IS NULL AND merged_into IS NULL
)
SELECT e.key, count(*)::float / (SELECT count(*) FROM sampled) FROM sampled, jsonb_each(attributes) e
WHERE e.value <> 'null' GROUP BY e.key
"""
_COUNTED = f"""
WITH held AS (SELECT {{value}} AS value {_ALL} AND attributes ? :name),
     counted AS MATERIALIZED (SELECT value, count(*) AS people FROM held WHERE value IS NOT NULL GROUP BY value)
SELECT (SELECT count(*) {_ALL}), (SELECT count(*) {_ALL} AND attributes ->> :name IS NOT NULL),
       (SELECT count(*) FROM counted),
       ARRAY(SELECT value FROM counted ORDER BY people DESC, value LIMIT :top),
       ARRAY(SELECT people FROM counted ORDER BY people DESC, value LIMIT :top)
"""  # noqa: S608 - made of texts of this file


def shares(session: Session) -> tuple[Mapping[str, float], bool]:
    """Return the share of people who have a value, by field; and whether everybody was looked at."""
    people = session.scalar(text("SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'contact'::regclass")) or 0
    percent = min(100.0, 100.0 * SAMPLED / people) if people else 100.0
    rows = session.execute(text(_SHARES), {"percent": percent})
    return {row[0]: row[1] for row in rows}, percent == 100.0


def of_field(session: Session, name: str, kind: Kind) -> Figures:
    """Return what a field holds, counted over everybody; several choices of a person count one by one."""
    one, several = "attributes ->> :name", "jsonb_array_elements_text(nullif(attributes -> :name, 'null'))"
    statement = _COUNTED.format(value=several if kind is Kind.CHOICES else one)
    row = session.execute(text(statement), {"name": name, "top": TOP}).one()
    return Figures(row[0], row[1], row[2], list(zip(row[3], row[4], strict=True)))
