"""``flask consent export`` and ``erase``: a person's rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.accounts.policy import Look
from app.accounts.services import access, audit
from app.core.cli import answer
from app.core.db import unit_of_work
from consent.policy.standing import Actor
from consent.queries import proof
from consent.services.erase import erase

if TYPE_CHECKING:
    pass

from consent.commands.group import consent, contact_id_of


@consent.command("export")
@click.argument("address")
def export(address: str) -> None:
    """Print all that is held about ADDRESS (GDPR 15 and 20)."""
    with unit_of_work() as session:
        contact_id = contact_id_of(session, address)
        access.record(session, Look.EXPORTED, "flask consent export", contact_ids=[contact_id])
        answer(proof.export(session, contact_id))


@consent.command("erase")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_(address: str, yes: bool) -> None:
    """Erase the person behind ADDRESS for good (GDPR 17). It cannot be undone."""
    with unit_of_work() as session:
        contact_id = contact_id_of(session, address)
    if not yes:
        click.confirm(f"Erase {address} (contact {contact_id}) for good?", abort=True, err=True)
    with unit_of_work() as session:
        erase(session, contact_id, actor=Actor.STAFF)
        audit.record(session, "erased", "contact", contact_id)
    answer({"contact": contact_id, "erased": True})
