"""Reading a list of people who signed on paper, as staff type it or bring it as CSV: one person a line."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy import Address, normalise
from app.customers.policy.values import single_line

MOST = 500  # lines of one list
TYPES = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}  # of a scan
LARGEST = 15 * 1024 * 1024  # bytes of a scan


@dataclass(frozen=True)
class Person:
    """One line: its number in what was given, its place on the list, address, and a name if one stood there."""

    line: int
    nth: int
    address: Address
    first_name: str
    last_name: str


@dataclass(frozen=True)
class Unread:
    """A line that cannot be used, and why."""

    line: int
    text: str
    why: str


def read(text: str) -> tuple[list[Person], list[Unread]]:
    """Return the people of a list and the lines that name nobody.

    A line is ``address``, ``address, first, last`` or the same with semicolons or tabs; a head line and empty lines are
    passed over, and so is an address that came before.

    Raises ``InvalidInput`` (field ``people``) for an empty list and for one that is too long.
    """
    lines = text.replace("\0", "").splitlines()
    people: list[Person] = []
    unread: list[Unread] = []
    seen = set()
    nth = 0
    for number, line in enumerate(lines, 1):
        cells = _cells(line)
        if not any(cells) or (number == 1 and "@" not in line):
            continue
        nth += 1
        try:
            address = normalise(cells[0])
            names = [single_line(cell)[:100] for cell in (*cells[1:3], "", "")]
        except InvalidInput as error:
            unread.append(Unread(number, line.strip()[:100], str(error)))
            continue
        if address.address_key not in seen:
            seen.add(address.address_key)
            people.append(Person(number, nth, address, names[0], names[1]))
    if len(people) > MOST:
        raise InvalidInput(_("A list holds %(most)s people at most: bring it in parts.", most=MOST), field="people")
    if not people and not unread:
        raise InvalidInput(_("Type one person a line: the address, then first and last name."), field="people")
    return people, unread


def _cells(line: str) -> list[str]:
    mark = next((mark for mark in ("\t", ";", ",") if mark in line), ",")
    return [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [""])] or [""]
