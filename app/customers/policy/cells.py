"""Values of JSON objects and spreadsheets as the texts that a table's cells hold. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_DEPTH = 4
_encode = json.JSONEncoder(ensure_ascii=False).encode


def flatten(values: Mapping[str, object], prefix: str = "", depth: int = 1) -> dict[str, str]:
    """Return an object as one row: column → text. What is nested is named by its path (``address.city``).

    Numbers are expected as they were written (``parse_float=str``), so that none changes its digits.
    """
    row: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value and depth < _DEPTH:
            row |= flatten(value, f"{prefix}{key}.", depth + 1)
        else:
            row[f"{prefix}{key}"] = cell(value)
    return row


def cell(value: object) -> str:
    """Return a value as text: lists of plain values with semicolons between, dates as ISO text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        plain = not any(isinstance(item, list | dict) for item in value)
        return "; ".join(cell(item) for item in value) if plain else _encode(value)
    if isinstance(value, dict):
        return _encode(value) if value else ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else _digits(value)
    return _moment(value)


def _digits(value: float) -> str:
    number = Decimal(repr(value))
    return format(number.normalize(), "f") if number.is_finite() else str(value)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        plain = value.time() == time()
        return value.date().isoformat() if plain else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if not isinstance(value, timedelta) else str(value.total_seconds())
