"""Erasing a person from campaigns: messages stay, with the opaque id, so that the figures stay true."""

from __future__ import annotations

from sqlalchemy import Text, cast, column, delete, exists, select, table, update
from sqlalchemy.orm import Session

from app.customers.policy.address import spellings
from app.customers.queries.contacts import contact, earlier_addresses
from campaigns.models import Message, PeopleListMember, Segment

NOBODY = "erased@erased.invalid"


def keep_written(session: Session, people: str, batch_id: int) -> None:
    """Take from the temporary table ``people`` (contact_id), whom an undone import would remove, who is in an audience
    or on a list."""
    given = table(people, column("contact_id"))
    for theirs in (Message.contact_id, PeopleListMember.contact_id):
        session.execute(delete(given).where(exists().where(theirs == given.c.contact_id)))


def forget(session: Session, contact_id: int) -> None:
    """Null what could name the person in messages: the key of the address, and the relay's reply, which may quote it.
    They are taken off every list, and a segment that names one of their addresses looks for nobody instead."""
    session.execute(delete(PeopleListMember).where(PeopleListMember.contact_id == contact_id))
    session.execute(update(Message).where(Message.contact_id == contact_id).values(address_key=None, reply=None))
    emails = [contact(session, contact_id).email, *(old.email for old in earlier_addresses(session, contact_id))]
    for address in {text.lower() for email in emails if email for text in (email, *spellings(email))}:
        named = cast(Segment.definition, Text).icontains(address, autoescape=True)
        for segment in session.scalars(select(Segment).where(named)):
            segment.definition = {name: _without(inner, address) for name, inner in segment.definition.items()}
    session.flush()


def _without(value: object, address: str) -> object:
    """Return a definition in which every text that is ``address`` names nobody."""
    if isinstance(value, dict):
        return {name: _without(inner, address) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, address) for inner in value]
    return NOBODY if isinstance(value, str) and value.strip().lower() == address else value
