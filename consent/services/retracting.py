"""Taking back what an import stated: its permissions end by an entry, what stood before stands again, nothing is
rewritten. What it said of people who left stays: only they can undo that."""

from __future__ import annotations

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.queries.contacts import contact_table
from consent.models import PermissionEvent, PermissionEvidence
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor, Standing, Subject, become
from consent.queries import permissions
from consent.services import many
from consent.services.importing import lock_people
from consent.services.ledger import Entry, append

# ``people`` is a name of ours, not of a user.
_ENDING = """
CREATE TEMPORARY TABLE ending ON COMMIT DROP AS SELECT d.contact_id
FROM {people} d JOIN permission p ON p.contact_id = d.contact_id AND p.topic_id = :topic_id AND p.state = 'granted'
JOIN permission_event e ON e.id = p.event_id AND e.batch_id = :batch_id
"""
# Asked again once they are locked: somebody may have acted meanwhile.
_GIVEN = """
INSERT INTO judged_people (contact_id, address_key, email_key)
SELECT c.id, c.address_key, c.email_key
FROM ending d JOIN contact c ON c.id = d.contact_id
JOIN permission p ON p.contact_id = c.id AND p.topic_id = :topic_id AND p.state = 'granted'
JOIN permission_event e ON e.id = p.event_id AND e.batch_id = :batch_id
WHERE c.erased_at IS NULL
"""
_STOOD = """
SELECT DISTINCT j.contact_id FROM judged_people j JOIN permission_event e ON e.contact_id = j.contact_id
WHERE e.topic_id = :topic_id AND e.batch_id IS DISTINCT FROM :batch_id
"""
_ACTIVE = """
DELETE FROM {people} d USING contact c WHERE c.id = d.contact_id AND (
    EXISTS (SELECT FROM permission_event e WHERE e.contact_id = c.id AND e.batch_id IS DISTINCT FROM :batch_id)
    OR EXISTS (SELECT FROM sign_up s WHERE s.contact_id = c.id OR s.address_key = c.address_key)
    OR EXISTS (SELECT FROM privacy_request r WHERE r.contact_id = c.id))
"""
_REFUSALS = """
INSERT INTO suppression (kind, address_key, reason, scope, brand_id, topic_id, source)
SELECT 'address', c.address_key, 'import', 'topic', t.brand_id, t.id, 'import'
FROM permission p JOIN contact c ON c.id = p.contact_id JOIN topic t ON t.id = p.topic_id
WHERE p.contact_id = ANY (:ids) AND p.state = 'withdrawn' AND c.address_key IS NOT NULL
"""


def retract(session: Session, batch_id: int, people: str, actor_id: int | None) -> int:
    """End what an import permitted to those in the temporary table ``people`` (contact_id), as far as it still stands;
    return how many permissions that were."""
    topics = session.scalars(text("SELECT topic_id FROM import_batch WHERE id = :id"), {"id": batch_id}).all()
    ended = 0
    for topic_id in filter(None, topics):
        many.begin(session)
        values = {"topic_id": topic_id, "batch_id": batch_id}
        session.execute(text("DROP TABLE IF EXISTS pg_temp.ending"))
        session.execute(text(_ENDING.format(people=people)), values)
        lock_people(session, "ending")
        session.execute(text(_GIVEN), values)
        ended += int(session.scalar(text("SELECT count(*) FROM judged_people")) or 0)
        stood = session.scalars(text(_STOOD), values).all()
        many.write(
            session,
            Subject.TOPIC,
            Action.RETRACT,
            State.EXPIRED.value,
            clock.now(),
            {"source": f"import {batch_id}"},
            topic_id=topic_id,
            batch_id=batch_id,
            actor=Actor.STAFF,
            actor_id=actor_id,
        )
        for contact_id in stood:
            _give_back(session, contact_id, topic_id, batch_id, actor_id)
    return ended


def _give_back(session: Session, contact_id: int, topic_id: int, batch_id: int, actor_id: int | None) -> None:
    """Let stand again what stood without the import."""
    before = Standing()
    theirs = set(
        session.scalars(
            select(PermissionEvent.id).where(
                PermissionEvent.batch_id == batch_id, PermissionEvent.contact_id == contact_id
            )
        )
    )
    for act in permissions.history(session, contact_id):
        if act.subject is Subject.TOPIC and act.topic_id == topic_id and act.event_id not in theirs:
            before = become(before, act)
    present = session.scalar(select(contact_table().c.address_key).where(contact_table().c.id == contact_id))
    if before.at(clock.now()).state is not State.GRANTED or before.address_key != present or before.event_id is None:
        return
    proof = session.get(PermissionEvidence, before.event_id)
    entry = Entry(
        Subject.TOPIC,
        Action.GRANT,
        Actor.STAFF,
        topic_id=topic_id,
        level=before.level,
        basis=before.basis,
        at=before.since,
        expires_at=before.expires_at,
        actor_id=actor_id,
        evidence={**(proof.detail if proof else {}), "undo": f"import {batch_id}"},
    )
    append(session, contact_id, entry)


def keep_active(session: Session, people: str, batch_id: int) -> None:
    """Take from the temporary table ``people`` who has more in the ledger than the import wrote, or asked for
    something."""
    session.execute(text(_ACTIVE.format(people=people)), {"batch_id": batch_id})


def forget(session: Session, contact_ids: list[int]) -> None:
    """Forget people whom only an import knew: what proves their entries goes, the chains end with an erasure, and
    what the import said they had left stays suppressed by key."""
    session.execute(text(_REFUSALS), {"ids": contact_ids})
    many.begin(session)
    session.execute(
        text(
            "INSERT INTO judged_people (contact_id, address_key)"
            " SELECT id, address_key FROM contact WHERE id = ANY (:ids)"
        ),
        {"ids": contact_ids},
    )
    many.write(session, Subject.CONTACT, Action.ERASE, State.WITHDRAWN.value, clock.now(), {}, actor=Actor.STAFF)
    entries = select(PermissionEvent.id).where(PermissionEvent.contact_id.in_(contact_ids))
    session.execute(delete(PermissionEvidence).where(PermissionEvidence.event_id.in_(entries)))
