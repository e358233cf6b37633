"""Reading the field dictionary."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.customers.models import Field
from app.customers.policy.values import Kind


@dataclass(frozen=True)
class FieldInfo:
    """A declared field. ``labels`` maps a language to text; ``choices`` are the values of a choice field."""

    id: int
    name: str
    kind: Kind
    labels: dict[str, str]
    description: str
    choices: tuple[str, ...]
    personal: bool
    subscriber_may_edit: bool
    subscriber_may_see: bool = False
    staff_may_edit: bool = True
    origin: str = ""
    keep_days: int | None = None
    titles: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """The label in ``language`` (``fr`` or ``fr-CA``), else in English, else any, else the name."""
        return (
            self.labels.get(language.split("-")[0].split("_")[0])
            or self.labels.get("en")
            or next((text for text in self.labels.values() if text), self.name)
        )


def dictionary(session: Session) -> list[FieldInfo]:
    """Return all declared fields, by name."""
    return [_info(row) for row in session.scalars(select(Field).order_by(Field.name))]


def by_name(session: Session, name: str) -> FieldInfo:
    """Return one field. Raises ``NotFound``."""
    row = session.scalar(select(Field).where(Field.name == name))
    if row is None:
        raise NotFound(f"No field is called {name!r}.")
    return _info(row)


def _info(row: Field) -> FieldInfo:
    return FieldInfo(
        row.id,
        row.name,
        Kind(row.kind),
        row.label,
        row.description,
        tuple(row.choices),
        row.personal,
        row.subscriber_may_edit,
        row.subscriber_may_see,
        row.staff_may_edit,
        row.origin,
        row.keep_days,
        tuple(row.titles),
    )
