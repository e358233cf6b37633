"""Erasing a person from the messages: the row stays, with the opaque id, so that the figures stay true."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns.models import Message


def forget(session: Session, contact_id: int) -> None:
    """Null what could name the person: the key of the address, and the relay's reply, which may quote it."""
    session.execute(update(Message).where(Message.contact_id == contact_id).values(address_key=None, reply=None))
