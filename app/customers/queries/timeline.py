"""The timeline and the panels of the contact page, which higher rooms fill."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from app.core.registries import Registry
from app.customers.queries import contacts, merging, notes


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened to a contact. ``icon`` is a Tabler icon's name; ``title`` may be a lazy translation."""

    at: datetime
    kind: str
    icon: str
    title: object
    detail: object = ""
    url: str | None = None


# (session, contact_id, limit) -> the latest ``limit`` entries, latest first
TimelineSource = Callable[[Session, int, int], list[TimelineEntry]]
sources: Registry[TimelineSource] = Registry("timeline sources")
# The names of sources that can be shown alone, by the names under which they are registered.
titles: Registry[object] = Registry("names of timeline sources")


@dataclass(frozen=True)
class ContactPanel:
    """A section of the contact page: ``load(session, contact_id)`` gives the context of ``template``."""

    template: str
    load: Callable[[Session, int], dict[str, object]]
    order: int


panels: Registry[ContactPanel] = Registry("contact panels")


@dataclass(frozen=True)
class TimelinePage:
    """One page of a timeline, latest first."""

    entries: list[TimelineEntry]
    page: int
    more: bool


def timeline(session: Session, contact_id: int, *, page: int = 1, size: int = 30, only: str = "") -> TimelinePage:
    """Return a page of everything that happened to a person, under every number, merged from all sources, or from the
    source ``only``."""
    alone = sources.get(only)
    wanted, numbers = page * size + 1, merging.person(session, contact_id)
    lists = [source(session, number, wanted) for source in ([alone] if alone else sources) for number in numbers]
    merged = list(heapq.merge(*lists, key=lambda entry: entry.at, reverse=True))
    start = (page - 1) * size
    return TimelinePage(merged[start : start + size], page, len(merged) > start + size)


def _own(session: Session, contact_id: int, limit: int) -> list[TimelineEntry]:
    """What this room knows: when a person was added, their changes of address, and notes."""
    person = contacts.contact(session, contact_id)
    entries = [TimelineEntry(person.created_at, "added", "user-plus", _("Added to the base"), person.source)]
    for former in contacts.earlier_addresses(session, contact_id):
        entries.append(TimelineEntry(former.until, "address", "mail-forward", _("Changed the address"), former.email))
    for note in notes.notes(session, contact_id, limit):
        entries.append(TimelineEntry(note.created_at, "note", "note", _("Note"), note.text))
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


sources.add("customers", _own)
titles.add("customers", _("Contact and notes"))
