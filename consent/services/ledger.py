"""The one way into the ledger for single entries: chained, with evidence, projected in the same transaction.

Entries of one contact are written one after the other under a lock on the contact's row, so that concurrent writers
keep the chain. ``services.importing`` writes many at once by the same rules.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.customers.queries.contacts import contact_table
from app.customers.services.contacts import mark_complained, mark_objected
from consent.errors import NotAllowed
from consent.models import Pause, Permission, PermissionEvent, PermissionEvidence, TrackingPermission, Wording
from consent.policy import chain
from consent.policy.folding import marketing_effect, tracking_effect
from consent.policy.grounds import earliest, ends
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import ACTIONS, STATES, Act, Action, Actor, Effect, Subject, follow
from consent.queries.permissions import act_of, standing_of_row
from consent.services.conditions import require

SALT_BYTES = 16


@dataclass(frozen=True)
class Entry:
    """What is to be written. ``at`` None means now; ``evidence`` is flat text, personal, kept beside the chain."""

    subject: Subject
    action: Action
    actor: Actor
    topic_id: int | None = None
    brand_id: int | None = None
    level: Level | None = None
    basis: Basis | None = None
    at: datetime | None = None
    expires_at: datetime | None = None
    wording_id: int | None = None
    language: str | None = None
    form_id: int | None = None
    campaign_id: int | None = None
    batch_id: int | None = None
    actor_id: int | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


def append(session: Session, contact_id: int, entry: Entry) -> int:
    """Write one entry and its effect on the projection; return the entry's id.

    The contact's row stays locked until the transaction ends. Raises ``NotFound``, ``InvalidInput`` for an entry
    that does not hang together, and ``NotAllowed`` when the rules forbid the act (``policy.standing.follow``).
    """
    _check(entry)
    address_key, erased = lock(session, contact_id)
    event = _event(session, contact_id, entry, address_key)
    act = act_of(event)
    if erased and act.state in (State.PENDING, State.GRANTED):
        raise NotAllowed(_("This person's data was erased: nothing can be permitted in their name."))
    # Of somebody erased nothing personal is kept, not even of an act that comes by an old link.
    evidence = {} if erased else {**entry.evidence, **_words(session, entry.wording_id)}
    effect = _effect(session, contact_id, act)
    if effect is Effect.REFUSED:
        raise NotAllowed(_refusal(act))
    salt = secrets.token_bytes(SALT_BYTES)
    event.id, event.seq, event.prev_hash = _place(session, contact_id)
    if evidence:
        event.evidence_digest = chain.digest(salt, evidence)
    event.hash = chain.link(event.prev_hash, record_of(event))
    session.add(event)
    session.flush()
    if evidence:
        session.add(PermissionEvidence(event_id=event.id, salt=salt, detail=evidence))
    if effect is Effect.TAKES:
        _project(session, event)
    session.flush()
    return event.id


def lock(session: Session, contact_id: int) -> tuple[bytes | None, bool]:
    """Lock a contact for ledger entries; return the key of the present address and whether the contact was erased."""
    table = contact_table()
    query = select(table.c.address_key, table.c.erased_at).where(table.c.id == contact_id)
    # NO KEY: rows that refer to the contact may be added meanwhile.
    row = session.execute(query.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise NotFound(_("There is no contact %(id)s.", id=contact_id))
    return row.address_key, row.erased_at is not None


def record_of(event: PermissionEvent) -> chain.Record:
    """Return a stored entry as it is hashed."""
    return chain.Record(**{name: getattr(event, name) for name in chain.COLUMNS})


def _check(entry: Entry) -> None:
    """Refuse an entry that does not hang together; these are mistakes of the caller, mostly of commands."""
    if entry.action not in ACTIONS[entry.subject]:
        raise InvalidInput(f"An entry about {entry.subject} cannot say {entry.action}.")
    if (entry.topic_id is None) == (entry.subject is Subject.TOPIC):
        raise InvalidInput("An entry about a topic names the topic, and no other entry does.")
    if entry.subject in (Subject.TRACKING, Subject.BRAND) and entry.brand_id is None:
        raise InvalidInput(f"An entry about {entry.subject} names the brand.")
    if entry.action is Action.PAUSE and entry.expires_at is None:
        raise InvalidInput("A pause states when it ends.")
    granting = STATES.get(entry.action) is State.GRANTED and entry.subject in (Subject.TOPIC, Subject.TRACKING)
    if granting and (entry.level is None or entry.basis is None):
        raise InvalidInput("A grant states its level and its basis.")
    if granting and entry.subject is Subject.TRACKING and entry.basis is not Basis.CONSENT:
        raise InvalidInput("Only consent permits tracking.")
    # Somebody who takes their own withdrawal back gets what was proven before.
    if granting and entry.basis and entry.subject is Subject.TOPIC and entry.actor is not Actor.SUBSCRIBER:
        require(entry.basis, entry.evidence, entry.at)


def _event(session: Session, contact_id: int, entry: Entry, address_key: bytes | None) -> PermissionEvent:
    now = clock.now()
    at = min(entry.at or now, now)
    state = STATES.get(entry.action, State.NEVER_ASKED)
    term = ends(entry.basis, at) if entry.basis and state is State.GRANTED else None
    return PermissionEvent(
        contact_id=contact_id,
        at=at,
        recorded_at=now,
        subject=entry.subject.value,
        topic_id=entry.topic_id,
        brand_id=entry.brand_id,
        action=entry.action.value,
        state=state.value,
        level=entry.level.value if entry.level else None,
        basis=entry.basis.value if entry.basis else None,
        address_key=address_key,
        expires_at=earliest(entry.expires_at, term),
        wording_id=entry.wording_id,
        language=entry.language or None,
        form_id=entry.form_id,
        campaign_id=entry.campaign_id,
        batch_id=entry.batch_id,
        actor=entry.actor.value,
        actor_id=entry.actor_id,
    )


def _place(session: Session, contact_id: int) -> tuple[int, int, bytes]:
    """Return the id, number and predecessor's hash of the next entry; the id is drawn now, for it is hashed, too."""
    head = (
        select(PermissionEvent.seq, PermissionEvent.hash)
        .where(PermissionEvent.contact_id == contact_id)
        .order_by(PermissionEvent.seq.desc())
        .limit(1)
        .subquery()
    )
    one = select(func.nextval("permission_event_id_seq").label("id")).subquery()
    row = session.execute(select(one.c.id, head.c.seq, head.c.hash).outerjoin_from(one, head, true())).one()
    return row.id, (row.seq or 0) + 1, row.hash or chain.FIRST


def _words(session: Session, wording_id: int | None) -> dict[str, str]:
    """Return what holds the words that were shown to what they were then; ``verify`` compares."""
    shown = session.get(Wording, wording_id) if wording_id is not None else None
    if shown is None:
        return {}
    return {"wording_sha256": chain.words_digest(shown.kind, shown.language, shown.version, shown.text)}


def _effect(session: Session, contact_id: int, act: Act) -> Effect:
    if act.subject is Subject.TOPIC:
        return follow(standing_of_row(session, contact_id, act.topic_id or 0), act)
    if act.subject is Subject.TRACKING:
        row = session.get(TrackingPermission, (contact_id, act.brand_id), populate_existing=True)
        return tracking_effect(row.granted if row else None, act)
    if act.subject is Subject.MARKETING:
        return marketing_effect(act)
    return Effect.TAKES


def _refusal(act: Act) -> str:
    if act.state is State.GRANTED:
        return str(_("This was withdrawn. Only the person can permit it again, by their own act."))
    return str(_("Nothing stands that could expire."))


def _project(session: Session, event: PermissionEvent) -> None:
    """Write what the entry changes where SQL joins it."""
    if event.subject == Subject.TOPIC:
        values = {name: getattr(event, name) for name in ("state", "level", "basis", "address_key", "expires_at")}
        values |= {"since": event.at, "event_id": event.id}
        statement = insert(Permission).values(contact_id=event.contact_id, topic_id=event.topic_id, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["contact_id", "topic_id"], set_=values))
    elif event.subject == Subject.TRACKING:
        values = {"granted": event.state == State.GRANTED, "since": event.at, "event_id": event.id}
        tracking = insert(TrackingPermission).values(contact_id=event.contact_id, brand_id=event.brand_id, **values)
        session.execute(tracking.on_conflict_do_update(index_elements=["contact_id", "brand_id"], set_=values))
    elif event.subject == Subject.BRAND:
        _project_pause(session, event)
    elif event.action == Action.OBJECT:
        mark_objected(session, [event.contact_id], event.at)
    elif event.action == Action.COMPLAIN:
        mark_complained(session, [event.contact_id], event.at)
    elif event.subject == Subject.MARKETING:
        mark_objected(session, [event.contact_id], None)
        mark_complained(session, [event.contact_id], None)


def _project_pause(session: Session, event: PermissionEvent) -> None:
    if event.action == Action.RESUME:
        one = (Pause.contact_id == event.contact_id, Pause.brand_id == event.brand_id)
        session.execute(delete(Pause).where(*one))
        return
    values = {"until": event.expires_at, "since": event.at, "event_id": event.id}
    statement = insert(Pause).values(contact_id=event.contact_id, brand_id=event.brand_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["contact_id", "brand_id"], set_=values))
