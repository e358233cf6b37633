"""How files of the same source were read before: by the titles of their columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import cast, literal

from app.customers.models import ImportBatch


def latest(session: Session, columns: Sequence[str]) -> ImportBatch | None:
    """Return the newest import with these columns that somebody mapped, None when there is none."""
    return session.scalars(
        select(ImportBatch)
        .where(ImportBatch.options["columns"] == cast(literal(list(columns), JSONB()), JSONB), ImportBatch.source != "")
        .order_by(ImportBatch.id.desc())
        .limit(1)
    ).first()


def mapping(before: ImportBatch, known: Collection[str]) -> dict[str, str]:
    """Return how the columns were mapped then, without what no longer exists."""
    return {column: target for column, target in before.mapping.items() if target in known}
