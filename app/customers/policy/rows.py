"""From the cells of one row to a person, or to the reason why not. Pure, and fast: most cells repeat."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.address import Normaliser
from app.customers.policy.mapping import Declared
from app.customers.policy.said import Said, SaidReader, SaidRefused
from app.customers.policy.values import (
    DateOrder,
    parse,
    parse_country,
    parse_language,
    parse_time_zone,
    single_line,
)

T = TypeVar("T")
CORE = ("first_name", "last_name", "language", "time_zone", "country", "source")
_CORE_PARSERS: dict[str, Callable[[str], str]] = {
    "first_name": single_line,
    "last_name": single_line,
    "language": parse_language,
    "time_zone": parse_time_zone,
    "country": parse_country,
    "source": single_line,
}
_encode = json.JSONEncoder(ensure_ascii=False).encode
_KEPT = 20_000  # distinct values a column remembers
# What a spreadsheet would run as a formula, behind the apostrophe that our own exports put before it.
_GUARDED = re.compile(r"'[=+\-@\t\r＝＋－＠]")


@dataclass
class Person:
    """What one row says about a person; None and absent keys say nothing. ``attributes`` maps a field to JSON text."""

    line: int
    email: str
    email_key: str
    address_key: bytes
    core: list[str | None]
    tags: list[str]
    attributes: dict[str, str]
    said: Said

    def overlay(self, later: Person) -> bool:
        """Take over what a later row about the same person says; tell whether it says anything new."""
        before = (list(self.core), list(self.tags), dict(self.attributes))
        self.core = [new if new is not None else old for old, new in zip(self.core, later.core, strict=True)]
        self.tags += [tag for tag in later.tags if tag not in self.tags]
        self.attributes |= later.attributes
        self.said = self.said.with_later(later.said)
        return before != (self.core, self.tags, self.attributes)


class RowRefused(Exception):
    """A row cannot be imported: ``column`` (blank for the whole row) and ``reason`` say why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class RowReader:
    """Reads rows of one file by one mapping."""

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Mapping[str, str],
        fields: Sequence[Declared],
        date_order: DateOrder = DateOrder.CLEAR,
    ) -> None:
        self._columns = columns
        self._normalise = Normaliser()
        index = {target: columns.index(column) for column, target in mapping.items()}
        self._email = index["email"]
        self._full_name = index.get("full_name")
        self._tags = index.get("tags")
        self._said = SaidReader(columns, mapping, date_order)
        self._core = [
            (slot, index[name], _Cell(_optional(_CORE_PARSERS[name])))
            for slot, name in enumerate(CORE)
            if name in index
        ]
        self._attributes = [
            (field.name, index[field.name], _Cell(_literal(field, date_order)))
            for field in fields
            if field.name in index
        ]
        self._tag_cell = _Cell(split_tags)

    def read(self, line: int, cells: list[str]) -> Person:
        """Return the person of one row. Raises ``RowRefused``."""
        if len(cells) != len(self._columns):
            cells = self._fitted(cells)
        at = self._email
        try:
            address = self._normalise(_unguarded(cells[at]))
            core: list[str | None] = [None] * len(CORE)
            if self._full_name is not None and cells[at := self._full_name]:
                core[0], core[1] = split_name(single_line(cells[at]))
            for slot, at, cell in self._core:
                if text := cells[at]:
                    core[slot] = cell(text)
            attributes: dict[str, str] = {}
            for name, at, literal in self._attributes:
                if (text := cells[at]) and (value := literal(text)):
                    attributes[name] = value
            tags: list[str] = []
            if self._tags is not None and (text := cells[at := self._tags]):
                tags = list(self._tag_cell(text))
            said = self._said.read(cells)
        except SaidRefused as refused:
            raise RowRefused(refused.column, str(refused)) from None
        except InvalidInput as error:
            raise RowRefused(self._columns[at], str(error)) from None
        return Person(line, address.email, address.email_key, address.address_key, core, tags, attributes, said)

    def _fitted(self, cells: list[str]) -> list[str]:
        """Forgive empty cells beyond the last column; anything else is a ragged row."""
        width = len(self._columns)
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            return cells[:width]
        raise RowRefused(
            "", _("The row has %(n)d cells where the file has %(width)d columns.", n=len(cells), width=width)
        )


class _Cell(Generic[T]):
    """Remembers what the cells of one column became."""

    def __init__(self, parser: Callable[[str], T]) -> None:
        self._parser = parser
        self._known: dict[str, T] = {}

    def __call__(self, text: str) -> T:
        try:
            return self._known[text]
        except KeyError:
            value = self._parser(_unguarded(text))
            if len(self._known) < _KEPT:
                self._known[text] = value
            return value


def _unguarded(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell


def _optional(parser: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: (parser(text) or None) if text.strip() else None


def _literal(field: Declared, order: DateOrder) -> Callable[[str], str]:
    """Return what turns a cell into the JSON text of the field's value, blank for a blank cell."""

    def literal(text: str) -> str:
        value = parse(field.kind, text, field.choices, date_order=order)
        return "" if value is None else _encode(value)

    return literal


def split_name(name: str) -> tuple[str | None, str | None]:
    """Split a full name into first and last: at the comma of ``O'Neil, Seán``, else at the first space."""
    if "," in name:
        last, first = name.split(",", 1)
    else:
        first, _space, last = name.partition(" ")
    return first.strip() or None, last.strip() or None


def split_tags(text: str) -> list[str]:
    """Split tags at commas or semicolons; quoted ones (Mailchimp's ``"vip","blog"``) are read as such."""
    delimiter = ";" if ";" in text else ","
    try:
        parts = next(csv.reader([single_line(text)], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        parts = text.split(delimiter)
    tags = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for tag in tags:
        if len(tag) > 60 or "," in tag or ";" in tag:
            raise InvalidInput(_("A tag has at most 60 characters and no comma or semicolon."))
    return tags
