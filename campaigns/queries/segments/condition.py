"""What a kind of condition is, and what it is told when it compiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Table, exists, func, select, true
from sqlalchemy.orm import Session

from app.brands.queries.brands import all_brands
from app.core import clock
from app.core.registries import Registry
from app.customers.queries.contacts import contact_table
from app.customers.queries.fields import FieldInfo, dictionary
from campaigns.models import Campaign, PeopleList, Segment
from consent.queries.topics import TopicInfo, topics

Leaf = Mapping[str, object]


@dataclass(frozen=True)
class Verdict:
    """SQL that is true for people whom a condition certainly fits (``yes``), or certainly does not (``no``).

    Of people about whom it knows nothing, neither is true: so conditions are three-valued, and groups above them
    need no NULL arithmetic (``tree`` pushes every ``none`` down to the conditions).
    """

    yes: ColumnElement[bool]
    no: ColumnElement[bool]

    def negated(self) -> Verdict:
        """Return the opposite."""
        return Verdict(self.no, self.yes)


def certain(test: ColumnElement[bool]) -> Verdict:
    """Return the verdict of a test that is always known: NULL counts as false."""
    return Verdict(test, test.is_not(true()))


def among(contact_id: ColumnElement[int], people: Select[Any]) -> ColumnElement[bool]:
    """Return the test that a contact is one of ``people``, a SELECT of ``contact_id``.

    Said with EXISTS, because PostgreSQL joins that, and its opposite too; NOT IN it can only look up row by row.
    """
    found = people.subquery()
    return exists().where(found.c.contact_id == contact_id)


@dataclass(frozen=True)
class LaunchedCampaign:
    """A campaign that has left the draft state."""

    id: int
    name: str
    launched_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Named:
    """A segment that another one may be made of."""

    id: int
    name: str
    definition: Mapping[str, object]
    archived: bool


@dataclass
class Opened:
    """How far compiling one statement has come: the segments that are being compiled inside each other, the verdicts
    of those that are done with the number of their conditions, and how many conditions there are in all."""

    trail: list[int] = field(default_factory=list)
    verdicts: dict[int, tuple[Verdict, int]] = field(default_factory=dict)
    conditions: int = 0


@dataclass(frozen=True)
class Context:
    """What conditions may look up while they compile one statement; ``language`` is for what people read."""

    session: Session
    now: datetime
    language: str = "en"
    opened: Opened = field(default_factory=Opened)

    @classmethod
    def of(cls, session: Session, language: str = "en", *, segment_id: int | None = None) -> Context:
        """Return the context of this moment; ``segment_id`` is the segment whose definition is compiled, if it has
        one, so that no other that leads back to it is taken into it."""
        return cls(session, clock.now(), language, Opened([] if segment_id is None else [segment_id]))

    @property
    def contact(self) -> Table:
        """The table that the compiled statement selects from."""
        return contact_table()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which our own days begin: that of the first brand."""
        brands = all_brands(self.session)
        return ZoneInfo(min(brands, key=lambda brand: brand.id).time_zone if brands else "UTC")

    @property
    def today(self) -> date:
        """The day it is there."""
        return self.now.astimezone(self.zone).date()

    @cached_property
    def declared(self) -> dict[str, FieldInfo]:
        """The field dictionary, by name."""
        return {field.name: field for field in dictionary(self.session)}

    @cached_property
    def topics(self) -> dict[str, TopicInfo]:
        """All topics, archived ones too, by slug."""
        return {topic.slug: topic for topic in topics(self.session, archived=True)}

    @cached_property
    def segments(self) -> dict[int, Named]:
        """All named segments, archived ones too, by number, in the order of their names."""
        rows = self.session.execute(
            select(Segment.id, Segment.name, Segment.definition, Segment.archived_at).order_by(func.lower(Segment.name))
        )
        return {row.id: Named(row.id, row.name, row.definition, row.archived_at is not None) for row in rows}

    @cached_property
    def lists(self) -> dict[int, str]:
        """The names of all lists of people, by number, in the order of their names."""
        rows = self.session.execute(select(PeopleList.id, PeopleList.name).order_by(func.lower(PeopleList.name)))
        return {row.id: row.name for row in rows}

    @cached_property
    def launched(self) -> list[LaunchedCampaign]:
        """Launched campaigns, the latest first. Their ids are bound, so that only their partitions are read."""
        rows = self.session.execute(
            select(Campaign.id, Campaign.name, Campaign.launched_at, Campaign.finished_at)
            .where(Campaign.launched_at.is_not(None))
            .order_by(Campaign.launched_at.desc(), Campaign.id.desc())
        )
        return [LaunchedCampaign(row[0], row[1], row[2], row[3]) for row in rows if row[2] is not None]


@dataclass(frozen=True)
class Control:
    """One input of a condition in the builder, with the words around it, so that a row reads like a sentence.

    ``kind`` is select, text, number or date. Changing a control that ``reshapes`` draws the row anew.
    """

    name: str
    label: str
    kind: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    before: str = ""
    after: str = ""
    hint: str = ""
    reshapes: bool = False

    @property
    def text(self) -> str:
        """What the control says, in words."""
        said = dict(self.options).get(self.value, self.value) if self.kind == "select" else self.value
        return " ".join(part for part in (self.before, said, self.after) if part)


@dataclass(frozen=True)
class Condition:
    """One kind of condition, known by the JSON ``key`` that every leaf of the kind has.

    ``verdict`` compiles a leaf and raises ``InvalidInput`` when it cannot; ``subjects`` are what the builder offers to
    start a sentence with (value of the key, text); ``controls`` continue the sentence of a leaf; ``read`` makes a leaf
    of a subject and the texts of its controls.
    """

    key: str
    title: object
    verdict: Callable[[Leaf, Context], Verdict]
    subjects: Callable[[Context], list[tuple[str, str]]]
    controls: Callable[[Leaf, Context], list[Control]]
    read: Callable[[str, Mapping[str, str], Context], dict[str, object]]


conditions: Registry[Condition] = Registry("segment conditions")
