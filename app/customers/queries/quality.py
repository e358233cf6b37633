"""What the last look over the base found: figures, and contacts who may be one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, any_, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.core.errors import NotFound
from app.customers.models import Contact, Duplicate, QualityFigure
from app.customers.queries.contacts import ContactInfo, info

PAGE = 20


@dataclass(frozen=True)
class Figure:
    """How many people one check found, when, in how many milliseconds, and the segment that they are."""

    name: str
    people: int
    definition: dict[str, Any] | None
    counted_at: datetime
    ms: int


@dataclass(frozen=True)
class Pair:
    """Two contacts who may be one person, the older one first; ``kinds`` say why."""

    low: ContactInfo
    high: ContactInfo
    kinds: tuple[str, ...]

    @property
    def kept(self) -> ContactInfo:
        """The one that a merge would keep: the one with an address, else the older one."""
        return self.high if self.low.email is None and self.high.email is not None else self.low

    @property
    def other(self) -> ContactInfo:
        """The other one."""
        return self.low if self.kept is self.high else self.high


def figures(session: Session) -> dict[str, Figure]:
    """Return the figures by the names of their checks."""
    return {
        row.name: Figure(row.name, row.people, row.definition, row.counted_at, row.ms)
        for row in session.scalars(select(QualityFigure).execution_options(populate_existing=True))
    }


def definition(session: Session, name: str) -> dict[str, Any]:
    """Return the segment that a check found. Raises ``NotFound`` when it is no segment or was never counted."""
    row = session.get(QualityFigure, name)
    if row is None or row.definition is None:
        raise NotFound(f"No check called {name} has found anybody.")
    return row.definition


def pairs(session: Session, *, kind: str = "", contact_id: int | None = None, page: int = 1) -> tuple[list[Pair], bool]:
    """Return a page of pairs to judge, of a kind or of a contact, and whether there are more."""
    low, high = aliased(Contact), aliased(Contact)
    living = (person.erased_at.is_(None) & person.merged_into.is_(None) for person in (low, high))
    query = (
        select(low, high, Duplicate.kinds)
        .select_from(Duplicate)
        .join(low, low.id == Duplicate.low_id)
        .join(high, high.id == Duplicate.high_id)
        .where(Duplicate.dismissed_at.is_(None), *living)
        .order_by(Duplicate.low_id, Duplicate.high_id)
    )
    if kind:
        query = query.where(literal(kind) == any_(Duplicate.kinds))
    if contact_id is not None:
        query = query.where(_of(contact_id))
    rows = session.execute(query.limit(PAGE + 1).offset((page - 1) * PAGE)).all()
    found = [Pair(info(row[0]), info(row[1]), tuple(row[2])) for row in rows[:PAGE]]
    return found, len(rows) > PAGE


def _of(contact_id: int) -> ColumnElement[bool]:
    return or_(Duplicate.low_id == contact_id, Duplicate.high_id == contact_id)
