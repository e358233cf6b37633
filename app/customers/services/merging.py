"""Merging two contacts who are the same person, and taking it back.

Nothing is moved and no id is rewritten: the folded contact stays whole, with its ledger, mails and orders, and is
marked as merged into the kept one, who stands for both from then on. What both said about permission is weighed
where permission is asked (``consent.queries.covering``), so taking a merge back needs no memory of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.registries import Registry
from app.customers.models import Contact, ContactAlias
from app.customers.policy import merging as policy
from app.customers.policy import origins
from app.customers.policy.origins import Origin
from app.customers.policy.values import FieldValue
from app.customers.queries import merging as queries
from app.customers.queries.contacts import contact
from app.customers.services import profile

# Merges wait for each other: there are few of them, and two may meet in a third contact.
LOCK = 0x6D72 << 44


@dataclass(frozen=True)
class MergeStep:
    """What a higher room does when ``folded`` is merged into ``kept``, and when that is undone.

    Both run at the end, in the same transaction, with both contacts locked: (session, kept, folded).
    """

    merged: Callable[[Session, int, int], None]
    undone: Callable[[Session, int, int], None]


merge_steps: Registry[MergeStep] = Registry("steps of a merge")


@dataclass(frozen=True)
class MergePanel:
    """A section of the preview: ``template`` gets what ``look(session, contact_id)`` says of the contact that is kept,
    of the other, and of the kept one once they are merged, as ``panel.kept``, ``panel.folded`` and ``panel.after``."""

    template: str
    look: Callable[[Session, int], object]


merge_panels: Registry[MergePanel] = Registry("panels of a merge's preview")


@dataclass(frozen=True)
class Preview:
    """What a merge would do: the choices, the tags of both together, and the panels with their contexts."""

    choices: list[policy.Choice]
    tags: list[str]
    panels: list[tuple[str, dict[str, object]]]


def preview(session: Session, kept_id: int, folded_id: int, chosen: Mapping[str, str] | None = None) -> Preview:
    """Say what a merge would do by doing it and taking it back. Raises as ``merge`` does."""
    kept, folded = contact(session, kept_id), contact(session, folded_id)
    before = [(panel.look(session, kept_id), panel.look(session, folded_id)) for panel in merge_panels]
    with session.begin_nested() as trial:
        merge(session, kept_id, folded_id, chosen)
        after = [panel.look(session, kept_id) for panel in merge_panels]
        trial.rollback()
    session.expire_all()
    panels = [
        (panel.template, {"kept": mine, "folded": theirs, "after": then})
        for panel, (mine, theirs), then in zip(merge_panels, before, after, strict=True)
    ]
    decided = policy.choices(queries.held(kept), queries.held(folded), chosen or {})
    return Preview(decided, list(dict.fromkeys([*kept.tags, *folded.tags])), panels)


def merge(session: Session, kept_id: int, folded_id: int, chosen: Mapping[str, str] | None = None) -> None:
    """Merge the contact ``folded_id`` into ``kept_id``, who keeps its address and stands for both from now on.

    ``chosen`` maps names of fields to the side whose value wins, ``kept`` or ``folded``; what is not chosen stays
    with the kept contact where it has a value. Raises ``NotFound``, ``InvalidInput`` for one and the same contact, and
    ``Conflict`` when one of them was erased or merged before.
    """
    if kept_id == folded_id:
        raise InvalidInput(_("A contact cannot be merged into itself."))
    rows = _lock(session, kept_id, folded_id)
    kept, folded = rows[kept_id], rows[folded_id]
    for row in (kept, folded):
        _refuse(row)
    if kept.email_key is None and folded.email_key is not None:
        raise Conflict(_("Keep the contact that has an address: permissions bind to it."))
    decided = policy.choices(queries.held(kept), queries.held(folded), chosen or {})
    made = policy.changes(decided, kept.tags, folded.tags)
    now, staff_id = clock.now(), audit.actor().staff_id
    taken = [name for name in made if name != policy.TAGS]
    for name in taken:
        made[name]["origin"] = kept.origins.get(name)
    _write(kept, {name: made[name]["after"] for name in taken})
    kept.origins = origins.stamped(kept.origins, taken, Origin.MERGE, folded_id, now)
    if policy.TAGS in made:
        kept.tags = cast(list[str], made[policy.TAGS]["after"])
    session.add(ContactAlias(alias_id=folded_id, contact_id=kept_id, changes=made, merged_at=now, merged_by=staff_id))
    folded.merged_into, folded.merged_at = kept_id, now
    session.flush()
    # Who had been merged into the folded one is the kept one's, too.
    session.execute(update(Contact).where(Contact.merged_into == folded_id).values(merged_into=kept_id))
    if any(row.objected_at is not None for row in rows.values()):
        profile.forget(session, list(rows))
    for step in merge_steps:
        step.merged(session, kept_id, folded_id)
    audit.record(session, "merged", "contact", kept_id, detail={"folded": folded_id})


def undo(session: Session, folded_id: int) -> int:
    """Take back the merge of ``folded_id`` into another; return that one's id.

    Fields get back what they held, unless they were changed since. Raises ``NotFound``, and ``Conflict`` when the
    contact is not merged or was erased.
    """
    serialise(session)
    link = session.scalar(
        select(ContactAlias).where(ContactAlias.alias_id == folded_id, ContactAlias.undone_at.is_(None))
    )
    if link is None:
        queries.head(session, folded_id)
        raise Conflict(_("Contact %(id)s is not merged into another.", id=folded_id))
    kept_id = link.contact_id
    behind = _behind(session, folded_id)
    rows = _lock(session, kept_id, folded_id, *behind)
    if rows[folded_id].erased_at is not None or rows[kept_id].erased_at is not None:
        raise Conflict(_("This person's data was erased."))
    _give_back(rows[kept_id], link.changes)
    link.undone_at, link.undone_by = clock.now(), audit.actor().staff_id
    rows[folded_id].merged_into = rows[folded_id].merged_at = None
    session.flush()
    session.execute(update(Contact).where(Contact.id.in_(behind)).values(merged_into=folded_id))
    if any(row.objected_at is not None for row in rows.values()):
        for refold in profile.refolds:
            refold(session, list(rows))
    for step in merge_steps:
        step.undone(session, kept_id, folded_id)
    audit.record(session, "undid merge", "contact", kept_id, detail={"folded": folded_id})
    return kept_id


def serialise(session: Session) -> None:
    """Wait until no other merge is under way, and let none begin before this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _lock(session: Session, kept_id: int, folded_id: int, *others: int) -> dict[int, Contact]:
    """Lock both contacts, ``others`` and all who are merged into one of the two, by id, as imports do; return the rows.

    Everybody who is reached here waits for the same advisory lock first, so nobody joins them meanwhile.
    """
    serialise(session)
    both = (kept_id, folded_id)
    rows = session.scalars(
        select(Contact)
        .where(or_(Contact.id.in_((*both, *others)), Contact.merged_into.in_(both)))
        .order_by(Contact.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows}
    for contact_id in both:
        if contact_id not in found:
            raise NotFound(_("There is no contact %(id)s.", id=contact_id))
    return found


def _refuse(row: Contact) -> None:
    if row.erased_at is not None:
        raise Conflict(_("This person's data was erased."))
    if row.merged_into is not None:
        raise Conflict(_("Contact %(id)s is merged into contact %(other)s.", id=row.id, other=row.merged_into))


def _write(row: Contact, values: Mapping[str, FieldValue | None]) -> None:
    attributes = dict(row.attributes)
    for name, value in values.items():
        if name in policy.CORE:
            setattr(row, name, value)
        elif policy.blank(value):
            attributes.pop(name, None)
        else:
            attributes[name] = cast(FieldValue, value)
    row.attributes = attributes
    row.updated_at, row.known_at = clock.now(), None


def _give_back(row: Contact, made: dict[str, Any]) -> None:
    fields, tags = policy.given_back(queries.held(row), row.tags, made)
    _write(row, fields)
    known = {name: made[name].get("origin") for name in fields}
    row.origins = {name: stamp for name, stamp in {**row.origins, **known}.items() if stamp is not None}
    row.tags = tags


def _behind(session: Session, contact_id: int) -> list[int]:
    """Return the contacts that were merged into this one, directly or by way of others."""
    link = select(ContactAlias.alias_id).where(ContactAlias.contact_id == contact_id, ContactAlias.undone_at.is_(None))
    all_of = link.cte("behind", recursive=True)
    further = select(ContactAlias.alias_id).join(all_of, ContactAlias.contact_id == all_of.c.alias_id)
    return list(session.scalars(select(all_of.union(further.where(ContactAlias.undone_at.is_(None))).c.alias_id)))
