"""What became of forms: seen, sent in, confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from consent.models import FormFigure


@dataclass(frozen=True)
class Figures:
    """Counts. A form sent in by somebody who blocks scripts on another site was not seen, so ``seen`` may be less."""

    seen: int = 0
    submitted: int = 0
    confirmed: int = 0


_SUMS = (func.sum(FormFigure.seen), func.sum(FormFigure.submitted), func.sum(FormFigure.confirmed))


def totals(session: Session, since: date) -> dict[int, Figures]:
    """Return the figures of each form id since a day."""
    rows = session.execute(
        select(FormFigure.form_id, *_SUMS).where(FormFigure.day >= since).group_by(FormFigure.form_id)
    )
    return {row[0]: Figures(*row[1:]) for row in rows}


def by_day(session: Session, form_id: int, since: date, until: date) -> list[tuple[date, Figures]]:
    """Return a form's figures for every day from ``since`` to ``until``, days without any included."""
    rows = session.execute(
        select(FormFigure.day, *_SUMS)
        .where(FormFigure.form_id == form_id, FormFigure.day.between(since, until))
        .group_by(FormFigure.day)
    )
    known = {row[0]: Figures(*row[1:]) for row in rows}
    days = (since + timedelta(days=n) for n in range((until - since).days + 1))
    return [(day, known.get(day, Figures())) for day in days]


def by_source(session: Session, form_id: int, since: date, limit: int = 50) -> list[tuple[str, Figures]]:
    """Return a form's figures by source since a day, those with the most requests first; an empty source is direct."""
    rows = session.execute(
        select(FormFigure.source, *_SUMS)
        .where(FormFigure.form_id == form_id, FormFigure.day >= since)
        .group_by(FormFigure.source)
        .order_by(_SUMS[1].desc(), _SUMS[0].desc(), FormFigure.source)
        .limit(limit)
    )
    return [(row[0], Figures(*row[1:])) for row in rows]
