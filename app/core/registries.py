"""Typed registries: where a lower room shows or does what only a higher one knows.

The lower room owns the entry's type and reads the registry; the higher room offers entries in its ``register``
function; the factory calls each room's ``register`` once. Entries are kept in the order they were added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")


class Registry(Generic[T]):
    """Named entries of one type. Adding a name twice replaces the entry, so that wiring may be repeated."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Offer ``entry`` under ``name``."""
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> T | None:
        """Return the entry called ``name``, or None."""
        return self._entries.get(name)

    def names(self) -> list[str]:
        """Return all names, in order of arrival."""
        return list(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True)
class NavigationEntry:
    """One line of the main navigation. ``title`` may be a lazy translation; ``role`` is the least one that sees it.

    Entries of one ``section`` (a title too) stand together under it.
    """

    title: object
    endpoint: str
    icon: str
    order: int
    role: str = "viewer"
    section: object = ""


navigation: Registry[NavigationEntry] = Registry("navigation")


@dataclass(frozen=True)
class DashboardCard:
    """One card of the dashboard: ``load`` gives the context of ``template`` (``templates/web/<room>/...``).

    ``size`` is its width in twelfths on a wide screen.
    """

    template: str
    load: Callable[[Session], dict[str, object]]
    order: int
    size: int = 3


dashboard_cards: Registry[DashboardCard] = Registry("dashboard cards")


@dataclass(frozen=True)
class Retention:
    """How long one kind of data is kept, for the register of processing: ``what`` may be a lazy translation,
    ``how_long(session)`` returns a text in the reader's language."""

    what: object
    how_long: Callable[[Session], str]


retentions: Registry[Retention] = Registry("periods of retention")
