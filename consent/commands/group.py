"""The group that every command about permission belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.core.errors import NotFound
from app.customers.policy import normalise
from app.customers.queries.contacts import by_address

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@click.group("consent")
def consent() -> None:
    """Permission: record, prove, verify, export, erase."""


def contact_id_of(session: Session, address: str) -> int:
    """Return the id of the contact who has an address. Raises ``NotFound`` or ``InvalidInput``."""
    found = by_address(session, normalise(address).email_key)
    if found is None:
        raise NotFound("Nobody in the customer base has this address.")
    return found.id
