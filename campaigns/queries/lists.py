"""Lists of people: snapshots of segments, and uploads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ARRAY, Select, Text, bindparam, func, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.customers.queries.contacts import contact_table
from campaigns.models import PeopleList, PeopleListMember, Segment


@dataclass(frozen=True)
class ListInfo:
    """A list. ``people`` were on it when it was made, ``now`` still are (erasure takes people off); ``segment`` is what
    a snapshot was taken of, ``unknown`` how many lines of an upload named nobody in the base."""

    id: int
    name: str
    kind: str
    segment_id: int | None
    segment: str | None
    people: int
    now: int
    unknown: int
    created_at: datetime


def _select() -> Select[Any]:
    now = select(func.count()).where(PeopleListMember.list_id == PeopleList.id).correlate(PeopleList).scalar_subquery()
    return select(PeopleList, Segment.name, now).outerjoin(Segment, Segment.id == PeopleList.segment_id)


def _info(row: PeopleList, segment: str | None, now: int) -> ListInfo:
    return ListInfo(row.id, row.name, row.kind, row.segment_id, segment, row.people, now, row.unknown, row.created_at)


def lists(session: Session) -> list[ListInfo]:
    """Return all lists, latest first."""
    return [_info(*row) for row in session.execute(_select().order_by(PeopleList.id.desc()))]


def people_list(session: Session, list_id: int) -> ListInfo:
    """Return one list. Raises ``NotFound``."""
    row = session.execute(_select().where(PeopleList.id == list_id)).first()
    if row is None:
        raise NotFound(_("There is no list with the number %(id)d.", id=list_id))
    return _info(*row)


def named(session: Session, email_keys: Iterable[str]) -> list[int]:
    """Return the contacts whose present address is one of these, normalised."""
    contact = contact_table().c
    keys = bindparam("keys", sorted(set(email_keys)), ARRAY(Text))
    return list(session.scalars(select(contact.id).where(contact.email_key == keys.any_())))
