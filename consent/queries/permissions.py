"""What the ledger says of a contact, and the projection for joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Select, Table, exists, select
from sqlalchemy.orm import Session

from app.customers.queries.contacts import contact_table
from consent.models import Permission, PermissionEvent, PermissionEvidence, TrackingPermission, Wording
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Act, Action, Actor, Standing, Subject
from consent.queries import covering
from consent.queries.topics import by_slug


def permission_table() -> Table:
    """The projection: one row for each contact and topic that the ledger knows (columns of ``models.Permission``)."""
    return cast(Table, Permission.__table__)


def tracking_table() -> Table:
    """Who said what about being tracked by a brand; no row means the brand's default."""
    return cast(Table, TrackingPermission.__table__)


def by_import() -> ColumnElement[bool]:
    """Return the condition that a row of ``permission_table()`` stands on what an import stated."""
    return exists().where(PermissionEvent.id == Permission.event_id, PermissionEvent.actor == Actor.IMPORT.value)


def of_contact(session: Session, contact_id: int) -> dict[int, Standing]:
    """Return a contact's standing for each topic id that the ledger knows."""
    rows = session.scalars(
        select(Permission).where(Permission.contact_id == contact_id).execution_options(populate_existing=True)
    )
    return {row.topic_id: _standing(row) for row in rows}


def permitting(session: Session, slug: str) -> Select[int]:
    """Return a SELECT of the ids of contacts who permit the topic called ``slug``. Raises ``NotFound``."""
    topic = by_slug(session, slug)
    return select(Permission.contact_id).where(Permission.topic_id == topic.id, Permission.state == "granted")


def standing_of_row(session: Session, contact_id: int, topic_id: int) -> Standing:
    """Return a contact's standing for one topic; ``never_asked`` when the ledger knows nothing."""
    row = session.get(Permission, (contact_id, topic_id), populate_existing=True)
    return _standing(row) if row else Standing()


def _standing(row: Permission) -> Standing:
    return Standing(
        State(row.state),
        Level(row.level) if row.level else None,
        Basis(row.basis) if row.basis else None,
        row.address_key,
        row.since,
        row.expires_at,
        row.event_id,
    )


def covered(session: Session, contact_id: int) -> set[int]:
    """Return the topics of a contact that are withdrawn under a number merged into it (``queries.covering``)."""
    person = contact_table()
    query = select(Permission.topic_id).join(person, person.c.id == Permission.contact_id)
    return set(session.scalars(query.where(person.c.id == contact_id, covering.withdrawn(Permission.topic_id))))


def tracking_of_contact(session: Session, contact_id: int) -> dict[int, bool]:
    """Return, for each brand id that the contact said something about, whether tracking is permitted."""
    rows = session.execute(
        select(TrackingPermission.brand_id, TrackingPermission.granted).where(
            TrackingPermission.contact_id == contact_id
        )
    )
    return {row.brand_id: row.granted for row in rows}


def act_of(event: PermissionEvent) -> Act:
    """Return a stored entry as decisions read it."""
    return Act(
        subject=Subject(event.subject),
        action=Action(event.action),
        state=State(event.state),
        actor=Actor(event.actor),
        at=event.at,
        recorded_at=event.recorded_at,
        topic_id=event.topic_id,
        brand_id=event.brand_id,
        level=Level(event.level) if event.level else None,
        basis=Basis(event.basis) if event.basis else None,
        address_key=event.address_key,
        expires_at=event.expires_at,
        event_id=event.id,
    )


def history(session: Session, contact_id: int) -> list[Act]:
    """Return a contact's whole ledger in order, as ``policy.standing.decide`` reads it."""
    rows = session.scalars(
        select(PermissionEvent).where(PermissionEvent.contact_id == contact_id).order_by(PermissionEvent.seq)
    )
    return [act_of(row) for row in rows]


@dataclass(frozen=True)
class LedgerEntry:
    """One entry with all that proves it. ``evidence`` is empty once it was destroyed by erasure."""

    id: int
    seq: int
    act: Act
    wording_id: int | None
    wording: str
    wording_version: int | None
    language: str | None
    form_id: int | None
    campaign_id: int | None
    batch_id: int | None
    actor_id: int | None
    evidence: Mapping[str, str]
    evidence_digest: bytes | None
    hash: bytes

    @property
    def at(self) -> datetime:
        """Return when it happened."""
        return self.act.at


def entries(session: Session, contact_id: int, limit: int | None = None) -> list[LedgerEntry]:
    """Return a contact's ledger entries with wording and evidence, in order; with ``limit`` only the latest."""
    query = (
        select(PermissionEvent, PermissionEvidence.detail, Wording.text, Wording.version)
        .outerjoin(PermissionEvidence, PermissionEvidence.event_id == PermissionEvent.id)
        .outerjoin(Wording, Wording.id == PermissionEvent.wording_id)
        .where(PermissionEvent.contact_id == contact_id)
        .order_by(PermissionEvent.seq.desc())
        .limit(limit)
    )
    found = [
        LedgerEntry(
            id=event.id,
            seq=event.seq,
            act=act_of(event),
            wording_id=event.wording_id,
            wording=text or "",
            wording_version=version,
            language=event.language,
            form_id=event.form_id,
            campaign_id=event.campaign_id,
            batch_id=event.batch_id,
            actor_id=event.actor_id,
            evidence=detail or {},
            evidence_digest=event.evidence_digest,
            hash=event.hash,
        )
        for event, detail, text, version in session.execute(query)
    ]
    return found[::-1]
