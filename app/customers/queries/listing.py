"""The list of contacts: search, filters and pages that stay fast at a million people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.core.registries import Registry
from app.customers.models import Contact
from app.customers.queries.contacts import ContactInfo, info

PAGE = 50
COUNTED = 10_000


@dataclass(frozen=True)
class ListFilter:
    """A filter that a higher room offers: ``choices(session, language)`` gives (value, text); ``select(session,
    value)`` a SELECT of contact ids."""

    title: object
    choices: Callable[[Session, str], list[tuple[str, str]]]
    select: Callable[[Session, str], Select[Any]]


list_filters: Registry[ListFilter] = Registry("filters of the list of contacts")


@dataclass(frozen=True)
class Search:
    """What is looked for: part of an address or name, a tag, values of the registered filters by their name."""

    text: str = ""
    tag: str = ""
    chosen: tuple[tuple[str, str], ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether anything is looked for at all."""
        return bool(self.text or self.tag or self.chosen)


@dataclass(frozen=True)
class ContactPage:
    """One page of contacts, newest first. ``before`` and ``after`` are keys of the neighbouring pages."""

    contacts: list[ContactInfo]
    before: int | None
    after: int | None


def page(session: Session, search: Search, *, before: int | None = None, after: int | None = None) -> ContactPage:
    """Return the contacts that match, before or after the one with that id in the list."""
    statement = _matching(session, search, select(Contact))
    if after is not None:
        rows = list(session.scalars(statement.where(Contact.id > after).order_by(Contact.id).limit(PAGE + 1)))
        more_newer, more_older = len(rows) > PAGE, True
        rows = rows[:PAGE][::-1]
    else:
        if before is not None:
            statement = statement.where(Contact.id < before)
        rows = list(session.scalars(statement.order_by(Contact.id.desc()).limit(PAGE + 1)))
        more_newer, more_older = before is not None, len(rows) > PAGE
        rows = rows[:PAGE]
    return ContactPage(
        [info(row) for row in rows],
        before=rows[-1].id if rows and more_older else None,
        after=rows[0].id if rows and more_newer else None,
    )


def count(session: Session, search: Search) -> tuple[int, bool]:
    """Return how many match, and whether that is exact: beyond ten thousand it is an estimate or a bound."""
    few = _matching(session, search, select(Contact.id)).limit(COUNTED + 1).subquery()
    found = session.scalar(select(func.count()).select_from(few)) or 0
    if found <= COUNTED:
        return found, True
    if search.narrow:
        return COUNTED, False
    estimate = session.scalar(text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contact'::regclass"))
    return max(COUNTED, estimate or 0), False


def common_tags(session: Session, limit: int = 50) -> list[str]:
    """Return tags in use, from a sample of the newest contacts, most used first."""
    newest = select(Contact.tags).order_by(Contact.id.desc()).limit(5000).subquery()
    tag = func.unnest(newest.c.tags).label("tag")
    tags = select(tag).select_from(newest).subquery()
    statement = select(tags.c.tag).group_by(tags.c.tag).order_by(func.count().desc(), tags.c.tag).limit(limit)
    return list(session.scalars(statement))


def _has(word: str) -> ColumnElement[bool]:
    """Shorter than three letters no trigram can help; then the address must begin so."""
    if len(word) < 3:
        return Contact.email_key.startswith(word, autoescape=True)
    return Contact.search.contains(word, autoescape=True)


def _matching(session: Session, search: Search, statement: Select[Any]) -> Select[Any]:
    statement = statement.where(Contact.erased_at.is_(None), Contact.merged_into.is_(None))
    if words := search.text.lower().split():
        found = and_(*map(_has, words))
        # Somebody is found by the address of a contact that was merged into theirs, too.
        heads = session.scalars(select(Contact.merged_into).where(Contact.merged_into.is_not(None), found).limit(PAGE))
        statement = statement.where(or_(found, Contact.id.in_(known)) if (known := heads.all()) else found)
    if search.tag:
        statement = statement.where(Contact.tags.op("@>", is_comparison=True)(literal([search.tag], ARRAY(Text()))))
    for name, value in search.chosen:
        if offered := list_filters.get(name):
            statement = statement.where(Contact.id.in_(offered.select(session, value)))
    return statement
