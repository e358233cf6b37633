"""What a merge does to permission: a refusal said under one number of a person covers them under the other, too.

Nothing is copied, so undoing a merge needs nothing put back. The conditions here are asked about a row of
``contact_table()`` joined with its ``permission`` of the topic, as ``gates`` asks its own. A grant never passes from
one number to the other, for it binds person and address.

A refusal covers until the person says yes again themselves, under the number that is kept: later than the refusal and
later than the merge, which staff did and the person perhaps does not know of.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Exists,
    FromClause,
    Select,
    SQLColumnExpression,
    and_,
    case,
    func,
    null,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute

from app.customers.queries.contacts import contact_table
from consent.models import Pause, Permission, PermissionEvent, TrackingPermission
from consent.policy.ladder import State
from consent.policy.standing import Actor, Subject

# A topic's id, or a column of them.
Topic = int | InstrumentedAttribute[int]
folded = contact_table().alias("folded")
_permission = Permission.__table__.alias("folded_permission")
_pause = Pause.__table__.alias("folded_pause")
_entry = PermissionEvent.__table__.alias("folded_entry")
_tracking = TrackingPermission.__table__.alias("folded_tracking")


def is_head() -> ColumnElement[bool]:
    """Return whether anybody is merged into a row of ``contact_table()``; hashed once a statement, for they are few."""
    heads = select(folded.c.merged_into).where(folded.c.merged_into.is_not(None))
    return contact_table().c.id.in_(heads.correlate_except(folded))


def withdrawn(topic_id: Topic) -> ColumnElement[bool]:
    """Return whether the topic was withdrawn under another number."""
    return and_(is_head(), _withdrawal(folded.c.id, topic_id).exists())


def withdrawal(topic_id: Topic) -> ColumnElement[int | None]:
    """Return the ledger entry of that withdrawal, NULL when there is none."""
    latest = _withdrawal(_permission.c.event_id, topic_id).order_by(_permission.c.event_id.desc()).limit(1)
    return case((is_head(), latest.scalar_subquery()), else_=null())


def refusal() -> ColumnElement[int | None]:
    """Return the ledger entry of the objection or complaint under another number, NULL when there is none."""
    joined = and_(_entry.c.contact_id == folded.c.id, _entry.c.subject == Subject.MARKETING.value)
    said_at = func.coalesce(folded.c.complained_at, folded.c.objected_at)
    latest = _theirs(_entry.c.id, _entry).join(_entry, joined).where(said_at.is_not(None), lasts(said_at))
    return case((is_head(), latest.order_by(_entry.c.id.desc()).limit(1).scalar_subquery()), else_=null())


def _withdrawal(what: ColumnElement[int], topic_id: Topic) -> Select[int]:
    joined = and_(_permission.c.contact_id == folded.c.id, _permission.c.topic_id == topic_id)
    query = _theirs(what, _permission).join(_permission, joined)
    return query.where(_permission.c.state == State.WITHDRAWN.value, holds(_permission.c.since))


def objected() -> ColumnElement[bool]:
    """Return whether all marketing was objected to under another number."""
    return under_another(and_(folded.c.objected_at.is_not(None), lasts(folded.c.objected_at)))


def complained() -> ColumnElement[bool]:
    """Return whether a mail was reported as spam under another number."""
    return under_another(and_(folded.c.complained_at.is_not(None), lasts(folded.c.complained_at)))


def under_another(test: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether ``test`` of ``folded`` holds for a contact that was merged into a row of ``contact_table()``."""
    return and_(is_head(), _theirs(folded.c.id).where(test).exists())


def paused(brand_id: int, now: Any) -> ColumnElement[bool]:
    """Return whether a pause of the brand was asked for under another number."""
    joined = and_(_pause.c.contact_id == folded.c.id, _pause.c.brand_id == brand_id)
    return and_(is_head(), _theirs(folded.c.id, _pause).join(_pause, joined).where(_pause.c.until > now).exists())


def untracked(brand_id: int) -> ColumnElement[bool]:
    """Return whether being tracked by the brand was refused under another number, and not permitted since."""
    mine = TrackingPermission
    later = mine.since > func.greatest(folded.c.merged_at, _tracking.c.since)
    permitted = and_(mine.granted, later, _own(mine.event_id))
    joined = and_(_tracking.c.contact_id == folded.c.id, _tracking.c.brand_id == brand_id)
    refusals = _theirs(folded.c.id, _tracking).join(_tracking, joined)
    return and_(is_head(), refusals.where(_tracking.c.granted.is_(False), permitted.is_not(true())).exists())


def holds(refused_at: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return whether the person has not themselves permitted the topic since a refusal and its merge."""
    return _unspoken(refused_at, _own(Permission.event_id))


def lasts(refused_at: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return the same of what the link of a mail, which may have been passed on, does not end: an objection, a
    complaint, a suppression."""
    return _unspoken(refused_at, _own(Permission.event_id, PermissionEvent.campaign_id.is_(None)))


def _unspoken(refused_at: SQLColumnExpression[Any], own: ColumnElement[bool]) -> ColumnElement[bool]:
    later = Permission.since > func.greatest(folded.c.merged_at, refused_at)
    return and_(Permission.state == State.GRANTED.value, later, own).is_not(true())


def _theirs(what: ColumnElement[int], *others: FromClause) -> Select[int]:
    """Return a SELECT over the contacts merged into a row of ``contact_table()``; ``others`` are joined to them."""
    mine = folded.c.merged_into == contact_table().c.id
    return select(what).select_from(folded).where(mine).correlate_except(folded, *others)


def _own(event_id: SQLColumnExpression[Any], *further: ColumnElement[bool]) -> Exists:
    """Return whether an entry of the ledger is the person's own act."""
    entry = select(PermissionEvent.id).where(
        PermissionEvent.id == event_id, PermissionEvent.actor == Actor.SUBSCRIBER.value, *further
    )
    return entry.correlate_except(PermissionEvent).exists()
