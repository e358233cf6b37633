"""Named segments: making, changing, counting, putting away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from campaigns.errors import EditConflict
from campaigns.models import Segment, SegmentCount
from campaigns.queries import segments as queries

MAX_NAME = 120


def create(session: Session, name: str, definition: Mapping[str, Any]) -> int:
    """Create a segment, count it, and return its id.

    Raises ``SegmentError`` for a condition that cannot be understood, ``InvalidInput`` or ``Conflict`` for the name.
    """
    row = Segment(name=_free_name(session, name, None))
    _define(session, row, definition)
    audit.record(session, "created", "segment", row.id)
    return row.id


def update(
    session: Session, segment_id: int, name: str, definition: Mapping[str, Any], *, seen: datetime | None = None
) -> None:
    """Change a segment and count it anew. ``seen`` is its ``updated_at`` when it was opened for editing.

    Raises what ``create`` raises, ``NotFound``, and ``EditConflict`` when somebody saved it since.
    """
    row = _row(session, segment_id)
    if seen is not None and row.updated_at != seen:
        raise EditConflict(row.updated_at)
    row.name = _free_name(session, name, segment_id)
    _define(session, row, definition)
    row.updated_at = clock.now()
    session.flush()
    audit.record(session, "changed", "segment", segment_id)


def archive(session: Session, segment_id: int, *, archived: bool = True) -> None:
    """Put a segment away, or take it back: campaigns that use it keep it. Raises ``NotFound``."""
    row = _row(session, segment_id)
    row.archived_at = clock.now() if archived else None
    session.flush()
    audit.record(session, "archived" if archived else "restored", "segment", segment_id)


def find_or_create(session: Session, name: str, definition: Mapping[str, Any]) -> int:
    """Return the segment of this name and definition, making it when there is none.

    Raises ``Conflict`` when the name stands for another definition.
    """
    found = queries.by_names(session, [name.strip()]).get(name.strip())
    if found is None:
        return create(session, name, definition)
    if found.definition != definition:
        raise Conflict(
            _("A segment called “%(name)s” is there already and says something else: choose another name.", name=name)
        )
    return found.id


def _row(session: Session, segment_id: int) -> Segment:
    row = session.get(Segment, segment_id, with_for_update=True)
    if row is None:
        raise NotFound(_("There is no segment with the number %(id)d.", id=segment_id))
    return row


def _define(session: Session, row: Segment, definition: Mapping[str, Any]) -> None:
    people = queries.count(session, definition, row.id)
    row.definition = dict(definition)
    session.add(row)
    session.flush()
    note_count(session, row.id, people)


def note_count(session: Session, segment_id: int, people: int) -> None:
    """Write down how many people a segment has now, for its history. Raises ``NotFound``."""
    row = _row(session, segment_id)
    row.last_count, row.counted_at = people, clock.now()
    session.add(SegmentCount(segment_id=row.id, at=row.counted_at, people=people))
    session.flush()


def count_anew(session: Session, segment_id: int) -> None:
    """Count a segment for its history. Raises ``SegmentError`` when it cannot be understood any more."""
    row = _row(session, segment_id)
    with queries.bounded(session, seconds=120):
        note_count(session, segment_id, queries.count(session, row.definition, segment_id))


def _free_name(session: Session, name: str, segment_id: int | None) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise InvalidInput(_("The segment needs a name."), field="name")
    if len(clean) > MAX_NAME:
        raise InvalidInput(_("The name is longer than %(max)d characters.", max=MAX_NAME), field="name")
    taken = session.scalar(select(Segment.id).where(Segment.name == clean))
    if taken is not None and taken != segment_id:
        raise Conflict(_("A segment is called “%(name)s” already: choose another name.", name=clean))
    return clean
