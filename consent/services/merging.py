"""What a merge of contacts is to the ledger: an entry in either chain that names the other. What it does to permission
is decided where permission is asked (``queries.covering``)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.customers.queries.contacts import contact
from app.customers.services import merging
from app.customers.services.merging import MergeStep
from consent.policy.standing import Action, Actor, Subject
from consent.services.ledger import Entry, append


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

    Call it before anything of the contact is locked: a merge locks both contacts in their order.
    """
    if contact(session, contact_id).merged_into is not None:
        merging.undo(session, contact_id)
