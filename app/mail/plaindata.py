"""Merge values as JSON and back, types kept."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from app.mail.merge import Value, Values


def dump(values: Values) -> dict[str, list[object]]:
    """Return ``values`` as JSON-ready pairs of type and text."""
    return {name: _dump(value) for name, value in values.items()}


def load(data: dict[str, list[object]]) -> dict[str, Value]:
    """Undo ``dump``."""
    return {name: _load(str(kind), value) for name, (kind, value) in data.items()}


def _dump(value: Value) -> list[object]:
    if isinstance(value, datetime | date):
        return [type(value).__name__, value.isoformat()]
    if isinstance(value, Decimal):
        return ["Decimal", str(value)]
    return ["tuple", list(value)] if isinstance(value, tuple) else ["", value]


def _load(kind: str, value: object) -> Value:
    match kind:
        case "datetime":
            return datetime.fromisoformat(str(value))
        case "date":
            return date.fromisoformat(str(value))
        case "Decimal":
            return Decimal(str(value))
        case "tuple":
            return tuple(str(item) for item in value) if isinstance(value, list) else ()
        case _:
            assert value is None or isinstance(value, str | int | float | bool)
            return value
