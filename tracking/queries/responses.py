"""What came back, for reports: events by label and time, clicks by link, orders credited."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, CompoundSelect, Integer, Select, case, func, select, union
from sqlalchemy.orm import Session

from tracking.models import Conversion, Event, EventBatch, EventSeal, Order, Rollup
from tracking.policy.classify import Label

HUMAN = (Label.HUMAN.value, Label.REPEAT.value)


@dataclass(frozen=True)
class Labelled:
    """How many events of one kind and label a campaign had; ``untracked``: through campaign-wide links, no person."""

    campaign_id: int
    kind: str
    label: str
    untracked: bool
    events: int


@dataclass(frozen=True)
class Cell:
    """Events in the 15 minutes from ``at``."""

    at: datetime
    kind: str
    label: str
    untracked: bool
    events: int


@dataclass(frozen=True)
class LinkClicks:
    """Clicks on one link: ``human`` (repeats count once), distinct people, machines, and people without tracking."""

    link_n: int
    human: int
    people: int
    machine: int
    untracked: int


@dataclass(frozen=True)
class Credited:
    """Orders credited to a campaign; ``value`` has refunds taken away."""

    conversions: int
    people: int
    value: Decimal


def by_label(session: Session, campaign_ids: Collection[int]) -> list[Labelled]:
    """Return how many events campaigns had, by kind and label."""
    rows = session.execute(
        select(Rollup.campaign_id, Rollup.kind, Rollup.label, Rollup.untracked, func.sum(Rollup.events))
        .where(Rollup.campaign_id.in_(campaign_ids))
        .group_by(Rollup.campaign_id, Rollup.kind, Rollup.label, Rollup.untracked)
    )
    return [Labelled(row[0], row[1], row[2], row[3], int(row[4])) for row in rows]


def cells(session: Session, campaign_id: int) -> list[Cell]:
    """Return a campaign's events in cells of 15 minutes, in order of time."""
    return _cells(session, select(Rollup).where(Rollup.campaign_id == campaign_id))


def cells_since(session: Session, since: datetime) -> list[Cell]:
    """Return the events of all campaigns in cells of 15 minutes, from ``since`` on."""
    return _cells(session, select(Rollup).where(Rollup.cell >= since))


def _cells(session: Session, some: Select[Rollup]) -> list[Cell]:
    r = some.subquery()
    rows = session.execute(
        select(r.c.cell, r.c.kind, r.c.label, r.c.untracked, func.sum(r.c.events))
        .group_by(r.c.cell, r.c.kind, r.c.label, r.c.untracked)
        .order_by(r.c.cell)
    )
    return [Cell(row[0], row[1], row[2], row[3], int(row[4])) for row in rows]


def links(session: Session, campaign_id: int) -> dict[int, LinkClicks]:
    """Return the clicks on each link of a campaign that was clicked."""
    human = Rollup.label == Label.HUMAN.value
    found = session.execute(
        select(
            Rollup.link_n,
            _sum(human, Rollup.untracked.is_(False)),
            _sum(Rollup.label == Label.MACHINE.value),
            _sum(human, Rollup.untracked.is_(True)),
        )
        .where(Rollup.campaign_id == campaign_id, Rollup.kind == "click", Rollup.link_n >= 0)
        .group_by(Rollup.link_n)
    )
    people = _clickers(session, campaign_id)
    return {n: LinkClicks(n, human, people.get(n, 0), machine, untracked) for n, human, machine, untracked in found}


def _sum(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(Rollup.events).filter(*conditions), 0).cast(Integer)


def _clickers(session: Session, campaign_id: int) -> dict[int, int]:
    """Return how many people clicked each link, by raw events and by what is sealed."""
    unfolded = select(EventBatch.id).where(EventBatch.folded_at.is_(None))
    raw = select(Event.link_n, Event.contact_id).where(
        Event.campaign_id == campaign_id,
        Event.kind == "click",
        Event.label == Label.HUMAN.value,
        Event.contact_id.is_not(None),
        Event.batch_id.not_in(unfolded),
    )
    sealed = select(EventSeal.link_n, EventSeal.contact_id).where(
        EventSeal.campaign_id == campaign_id, EventSeal.kind == "click", EventSeal.label == Label.HUMAN.value
    )
    people = union(raw, sealed).subquery()
    counted = select(people.c.link_n, func.count()).group_by(people.c.link_n)
    return {row[0]: row[1] for row in session.execute(counted)}


def prefetched(campaign_ids: Collection[int]) -> CompoundSelect[int, int | None]:
    """Return a SELECT of (campaign_id, contact_id): whose mail client fetched ahead."""
    return union(
        select(Event.campaign_id, Event.contact_id).where(
            Event.campaign_id.in_(campaign_ids),
            Event.contact_id.is_not(None),
            Event.label == Label.PREFETCH.value,
        ),
        select(EventSeal.campaign_id, EventSeal.contact_id).where(
            EventSeal.campaign_id.in_(campaign_ids), EventSeal.label == Label.PREFETCH.value
        ),
    )


def credited(session: Session, campaign_ids: Collection[int]) -> dict[int, Credited]:
    """Return the orders credited to campaigns that have some."""
    sale = Order.refunds.is_(None)
    rows = session.execute(
        select(
            Conversion.campaign_id,
            func.count().filter(sale),
            func.count(func.distinct(case((sale, Conversion.contact_id)))),
            func.sum(Conversion.value),
        )
        .join(Order, Order.id == Conversion.order_id)
        .where(Conversion.campaign_id.in_(campaign_ids))
        .group_by(Conversion.campaign_id)
    )
    return {row[0]: Credited(row[1], row[2], row[3]) for row in rows}
