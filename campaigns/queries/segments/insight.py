"""What lies behind a segment's count: which condition excludes most, and whom it shares with other segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from app.customers.queries.contacts import contact_table
from campaigns.errors import SegmentError
from campaigns.queries.segments.condition import Context, Named
from campaigns.queries.segments.run import present, roomy
from campaigns.queries.segments.tree import both, members_of, where
from campaigns.queries.segments.words import describe

MOST_OTHERS = 12


@dataclass(frozen=True)
class Part:
    """One member of a segment's outermost group, in words.

    ``alone`` people fit it; ``unknown`` are people of whom it is not known. ``difference`` is how many more people the
    segment would have without it (fewer, below zero, in an ``any``).
    """

    position: str
    words: str
    alone: int
    unknown: int
    difference: int


@dataclass(frozen=True)
class Explanation:
    """A segment of ``people`` among ``everybody``, taken apart."""

    everybody: int
    people: int
    mode: str
    parts: tuple[Part, ...]

    @property
    def most(self) -> Part | None:
        """The part without which the segment would grow most."""
        shutting = [part for part in self.parts if part.difference > 0]
        return max(shutting, key=lambda part: part.difference, default=None)


def explain(session: Session, definition: object, context: Context) -> Explanation:
    """Take a segment apart, in one statement that reads everybody once. Raises ``SegmentError``.

    A segment that is a single condition, or whose outermost group is not ``all``, ``any`` or ``none``, is one part.
    """
    where(definition, context)  # what is wrong with it is said before anything is counted
    mode, members = members_of(definition)
    context.opened.conditions = 0
    verdicts = [both(member, context, place) for member, place in members]
    contact = contact_table().c
    # Each test is computed once for each person, in a subquery that OFFSET keeps from being dissolved.
    columns = [
        column
        for n, verdict in enumerate(verdicts)
        for column in (_true(verdict.yes).label(f"yes{n}"), _true(verdict.no).label(f"no{n}"))
    ]
    tested = select(contact.id, *columns).where(present()).offset(0).subquery("tested")
    numbers: list[ColumnElement[int]] = [func.count(), func.count().filter(_together(mode, tested.c, len(verdicts)))]
    for n in range(len(verdicts)):
        numbers += [
            func.count().filter(tested.c[f"yes{n}"]),
            func.count().filter(~tested.c[f"yes{n}"], ~tested.c[f"no{n}"]),
            func.count().filter(_together(mode, tested.c, len(verdicts), without=n)),
        ]
    roomy(session)
    row = session.execute(select(*numbers).select_from(tested)).one()
    parts = [
        Part(place.position or "1", describe(member, context), row[2 + 3 * n], row[3 + 3 * n], row[4 + 3 * n] - row[1])
        for n, (member, place) in enumerate(members)
    ]
    return Explanation(row[0], row[1], mode, tuple(parts))


def _true(test: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.coalesce(test, false())


def _together(mode: str, columns: Any, size: int, *, without: int = -1) -> ColumnElement[bool]:
    """Return the test of a group over the columns of its members, one of them left out."""
    left = [n for n in range(size) if n != without]
    if mode == "any":
        return or_(false(), *(columns[f"yes{n}"] for n in left))
    return and_(~false(), *(columns[f"{'no' if mode == 'none' else 'yes'}{n}"] for n in left))


@dataclass(frozen=True)
class Overlap:
    """Another segment of ``people`` people, ``shared`` of whom are in this one."""

    id: int
    name: str
    people: int
    shared: int


def overlaps(
    session: Session, definition: object, context: Context, others: Sequence[Named]
) -> tuple[int, list[Overlap]]:
    """Return how many people a segment has, and what it shares with each of ``others``, most first; those that cannot
    be compiled any more are left out. Raises ``SegmentError`` for the segment itself."""
    mine = _true(where(definition, context))
    tests = {other.id: test for other in others[:MOST_OTHERS] if (test := _compiled(other, context)) is not None}
    columns = [mine.label("mine"), *(_true(test).label(f"s{number}") for number, test in tests.items())]
    tested = select(*columns).where(present()).offset(0).subquery("tested")
    numbers: list[ColumnElement[int]] = [func.count().filter(tested.c.mine)]
    for number in tests:
        numbers += [
            func.count().filter(tested.c[f"s{number}"]),
            func.count().filter(tested.c.mine, tested.c[f"s{number}"]),
        ]
    roomy(session)
    row = session.execute(select(*numbers).select_from(tested)).one()
    named = {other.id: other.name for other in others}
    found = [Overlap(number, named[number], row[1 + 2 * n], row[2 + 2 * n]) for n, number in enumerate(tests)]
    return row[0], sorted(found, key=lambda overlap: -overlap.shared)


def _compiled(other: Named, context: Context) -> ColumnElement[bool] | None:
    fresh = Context(context.session, context.now, context.language)
    try:
        return where({"segment": other.id}, fresh)
    except SegmentError:
        return None
