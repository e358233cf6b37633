"""Looking the whole base over: once a day, or when somebody asks. Pages read what the last look found."""

from __future__ import annotations

import time
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, delete, false, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, jobs
from app.core.jobs import JobName, Queue
from app.customers.models import Contact, QualityFigure
from app.customers.queries import listing
from app.customers.queries.listing import ListFilter
from app.customers.services import exporting
from app.customers.services.quality import duplicates
from app.customers.services.quality.checks import quality_checks

COUNT = JobName("customers.look_over", Queue.UPKEEP)
DUPLICATES = "duplicates"  # the one figure that is no segment


def ask(session: Session) -> None:
    """Have the base looked over soon, unless that is under way."""
    if not jobs.is_waiting(session, COUNT):
        jobs.enqueue(session, COUNT)


def count(session: Session, name: str) -> None:
    """Count one check anew; ``DUPLICATES`` looks for pairs."""
    began = time.perf_counter()
    check = quality_checks.get(name)
    definition = None
    if name == DUPLICATES:
        people = duplicates.find(session)
    elif check is None or (definition := check.segment(session)) is None:
        people = 0
    else:
        chosen = exporting.chosen(session, definition).subquery()
        people = session.scalar(select(func.count()).select_from(chosen)) or 0
    values = {
        "people": people,
        "definition": definition,
        "counted_at": clock.now(),
        "ms": round((time.perf_counter() - began) * 1000),
    }
    statement = insert(QualityFigure).values(name=name, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def names(session: Session) -> list[str]:
    """Return the names of all figures to count; figures of checks that are no more are dropped."""
    known = [*quality_checks.names(), DUPLICATES]
    session.execute(delete(QualityFigure).where(QualityFigure.name.not_in(known)))
    return known


def under_way(session: Session) -> bool:
    """Return whether a look over the base is asked for or going on."""
    return jobs.is_open(session, COUNT)


def found(session: Session, name: str) -> Select[Any]:
    """Return a SELECT of the contacts whom the last look found by a check; of nobody for one that found none."""
    row = session.get(QualityFigure, name)
    if row is None or row.definition is None:
        return select(Contact.id).where(false())
    return exporting.chosen(session, row.definition)


def found_by(session: Session, _language: str) -> list[tuple[str, str]]:
    """Return the checks that found somebody: name and title, for the list of contacts."""
    rows = session.scalars(select(QualityFigure.name).where(QualityFigure.people > 0)).all()
    return [
        (name, str(check.title))
        for name, check in zip(quality_checks.names(), quality_checks, strict=True)
        if name in rows
    ]


listing.list_filters.add("quality", ListFilter(_("Any quality"), found_by, found))
