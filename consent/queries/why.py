"""The grounds that mails name, read with the messages they stand in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select, true
from sqlalchemy.orm import Session

from consent.models import PermissionEvent, PermissionEvidence, SourceNotice
from consent.policy.why import Grounds

# What ``named`` adds to a SELECT, in this order; ``read`` makes grounds of them.
COLUMNS = ("why_action", "why_actor", "why_basis", "why_at", "why_form_id", "why_source", "why_told")


def named(query: Select[Any], event_id: ColumnElement[int | None], campaign_id: int) -> Select[Any]:
    """Add to ``query`` what its readers are told of the ledger entry ``event_id``: the columns of ``COLUMNS``.

    ``why_told`` tells that a mail of another campaign has said already where an imported address is from.
    """
    event, evidence, notice = PermissionEvent, PermissionEvidence, SourceNotice
    told = exists().where(notice.contact_id == event.contact_id, notice.campaign_id != campaign_id)
    values = (event.action, event.actor, event.basis, event.at, event.form_id, evidence.detail["source"].as_string())
    # Looked up by key for each row, whatever the planner takes the number of rows for: LIMIT forbids other joins.
    entry = (
        select(*(value.label(name) for value, name in zip((*values, told), COLUMNS, strict=True)))
        .outerjoin(evidence, evidence.event_id == event.id)
        .where(event.id == event_id)
        .limit(1)
        .lateral("entry")
    )
    return query.add_columns(*entry.c).outerjoin(entry, true())


def read(columns: tuple[Any, ...]) -> tuple[Grounds | None, bool]:
    """Return the grounds that the values of ``COLUMNS`` stand for, and whether their source is still to be told."""
    action, actor, basis, at, form_id, source, told = columns
    if action is None:
        return None, False
    return Grounds(action, actor, basis, at, form_id, source or ""), actor == "import" and not told


def of_event(session: Session, event_id: int | None, campaign_id: int) -> tuple[Grounds | None, bool]:
    """Return the grounds of one ledger entry, as a mail of this campaign names them."""
    if event_id is None:
        return None, False
    one = select(PermissionEvent.id.label("entry")).where(PermissionEvent.id == event_id).subquery("one")
    row = session.execute(named(select(one.c.entry), one.c.entry, campaign_id)).one_or_none()
    return (None, False) if row is None else read(tuple(row)[1:])
