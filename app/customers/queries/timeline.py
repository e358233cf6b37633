"""The timeline and the panels of the contact page, which higher rooms fill."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.core.registries import Registry


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


def timeline(session: Session, contact_id: int, *, page: int = 1, size: int = 30) -> TimelinePage:
    """Return a page of everything that happened to a contact, merged from all sources."""
    wanted = page * size + 1
    lists = [source(session, contact_id, wanted) for source in sources]
    merged = list(heapq.merge(*lists, key=lambda entry: entry.at, reverse=True))
    start = (page - 1) * size
    return TimelinePage(merged[start : start + size], page, len(merged) > start + size)
