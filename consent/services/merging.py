"""What a merge of contacts is to the ledger: an entry in either chain that names the other. What it does to permission
is decided where permission is asked (``queries.covering``)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.customers.queries.contacts import contact
from app.customers.services import merging
from app.customers.services.merging import MergeStep
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions
from consent.services.ledger import Entry, append
from consent.services.objections import complain, object_to_marketing
from consent.services.withdraw import withdraw


def _link(session: Session, action: Action, kept: int, folded: int) -> None:
    staff_id = audit.actor().staff_id
    actor = Actor.SYSTEM if staff_id is None else Actor.STAFF
    for number, other, role in ((kept, folded, "kept"), (folded, kept, "folded")):
        evidence = {"role": role, "other": str(other)}
        append(session, number, Entry(Subject.CONTACT, action, actor, actor_id=staff_id, evidence=evidence))


def _merged(session: Session, kept: int, folded: int) -> None:
    _link(session, Action.MERGE, kept, folded)


def _undone(session: Session, kept: int, folded: int) -> None:
    _link(session, Action.PART, kept, folded)


STEP = MergeStep(_merged, _undone)


def stand_alone(session: Session, contact_id: int) -> None:
    """Undo the merge of a contact whose owner permits something by this very address: they want mail there.

    What they refused under either number since the merge was meant for both, so it is written down for both. Call it
    before anything of the contact is locked: a merge locks both contacts in their order.
    """
    person = contact(session, contact_id)
    head, since = person.merged_into, person.merged_at
    if head is None or since is None:
        return
    merging.undo(session, contact_id)
    for said, heard in ((head, contact_id), (contact_id, head)):
        _carry(session, said, heard, since)


def _carry(session: Session, said: int, heard: int, since: datetime) -> None:
    """Write down for the contact ``heard`` what was refused under ``said`` since then."""
    evidence = {"other": str(said)}
    marks, known = contact(session, said), permissions.of_contact(session, said)
    topics = [
        topic_id
        for topic_id, standing in known.items()
        if standing.state is State.WITHDRAWN and standing.since is not None and standing.since > since
    ]
    withdraw(session, heard, topics, actor=Actor.SYSTEM, evidence=evidence)
    if marks.objected_at is not None and marks.objected_at > since:
        object_to_marketing(session, heard, actor=Actor.SYSTEM, evidence=evidence)
    if marks.complained_at is not None and marks.complained_at > since:
        complain(session, heard, evidence=evidence)
