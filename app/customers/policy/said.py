"""What one row says about permission: whether the person may be written to, since when, and by which proof. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from app.core.errors import InvalidInput
from app.customers.policy.platforms import recognise
from app.customers.policy.states import WEIGHT, Standing, is_nothing, moment, status
from app.customers.policy.values import DateOrder


@dataclass(frozen=True)
class Said:
    """``standing`` and when it began (``at``, UTC, None when the file does not tell); the address (``ip``) from which
    they agreed; ``changed_at``, when the other system last changed what it knows of them."""

    standing: Standing = Standing.PERMITTED
    at: datetime | None = None
    ip: str | None = None
    changed_at: datetime | None = None

    def with_later(self, later: Said) -> Said:
        """Return what two rows about the same person say together: the heavier standing holds."""
        if WEIGHT[later.standing] < WEIGHT[self.standing]:
            return self
        return replace(later, ip=later.ip or self.ip, at=later.at or self.at)


NOTHING = Said()


class SaidRefused(Exception):
    """A row says something about permission that cannot be read; ``column`` says where."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


_DEPARTURES = {
    "opted_out_at": Standing.LEFT,
    "blocked": Standing.BLOCKED,
    "bounced_at": Standing.BOUNCED,
    "complained_at": Standing.COMPLAINED,
}


class SaidReader:
    """Reads what rows of one file say about permission, by one mapping."""

    def __init__(self, columns: Sequence[str], mapping: Mapping[str, str], date_order: DateOrder) -> None:
        self._columns = columns
        self._order = date_order
        platform = recognise(columns)
        self._codes = platform.codes if platform else {}
        places = [(columns.index(column), target) for column, target in mapping.items()]
        self._departures = [(at, _DEPARTURES[target]) for at, target in places if target in _DEPARTURES]
        single = {target: at for at, target in places}
        self._status = single.get("status")
        self._confirmed = single.get("confirmed")
        self._opted_in = single.get("opted_in_at")
        self._ip = single.get("opted_in_ip")
        self._changed = single.get("changed_at")
        self._silent = not self._departures and all(
            at is None for at in (self._status, self._confirmed, self._opted_in, self._ip, self._changed)
        )

    def read(self, cells: Sequence[str]) -> Said:
        """Return what a row says. Raises ``SaidRefused``."""
        if self._silent:
            return NOTHING
        standing, since = self._standing(cells)
        if standing is Standing.PERMITTED:
            since = self._moment(cells, self._opted_in)
        return Said(standing, since, self._address(cells), self._moment(cells, self._changed))

    def _standing(self, cells: Sequence[str]) -> tuple[Standing, datetime | None]:
        standing, since = Standing.PERMITTED, None
        if self._status is not None:
            try:
                standing = status(cells[self._status], self._codes)
            except InvalidInput as error:
                raise SaidRefused(self._columns[self._status], str(error)) from None
        if self._confirmed is not None and is_nothing(cells[self._confirmed]) and standing is Standing.PERMITTED:
            standing = Standing.PENDING
        for at, departure in self._departures:
            if is_nothing(cells[at]):
                continue
            since = since or moment(cells[at], self._order)
            if WEIGHT[departure] > WEIGHT[standing]:
                standing = departure
        return standing, since

    def _moment(self, cells: Sequence[str], at: int | None) -> datetime | None:
        return None if at is None else moment(cells[at], self._order)

    def _address(self, cells: Sequence[str]) -> str | None:
        if self._ip is None:
            return None
        try:
            return str(ip_address(cells[self._ip].strip()))
        except ValueError:
            return None
