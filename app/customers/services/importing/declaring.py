"""Declaring fields for columns that the dictionary does not know, with types inferred from all of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from app.customers.policy.mapping import Inference
from app.customers.queries.fields import dictionary
from app.customers.queries.imports import Table
from app.customers.services import fields
from app.customers.services.importing.source import rows_of


def infer_kinds(shape: Table, columns: Sequence[str]) -> dict[str, Inference]:
    """Read the whole file and find out which type each of ``columns`` has."""
    inferred = {column: Inference() for column in columns}
    wanted = [(shape.columns.index(column), inference) for column, inference in inferred.items()]
    for record in rows_of(Path(shape.path), shape.codec, shape.delimiter, shape.start, shape.start_line):
        if not record.problem and len(record.cells) == len(shape.columns):
            for index, inference in wanted:
                inference.feed(record.cells[index])
    return inferred


def declare_columns(session: Session, shape: Table, columns: Sequence[str]) -> dict[str, str]:
    """Declare a field for each of ``columns`` and return the mapping column → field."""
    mapping: dict[str, str] = {}
    taken = {field.name for field in dictionary(session)}
    for column, inference in infer_kinds(shape, columns).items():
        name = base = fields.slug(column)
        number = 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        fields.declare(session, name, inference.kind, column)
        mapping[column] = name
    return mapping
