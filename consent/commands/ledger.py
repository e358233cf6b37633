"""``flask consent proof``: what the ledger says of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.accounts.policy import Look
from app.accounts.services import access
from app.core.cli import answer
from app.core.db import unit_of_work
from consent.queries import proof

if TYPE_CHECKING:
    pass

from consent.commands.group import consent, contact_id_of


@consent.command("proof")
@click.argument("address")
def proof_(address: str) -> None:
    """Print the proof of ADDRESS's permissions: what was shown and said, when, from where, and what stands."""
    with unit_of_work() as session:
        contact_id = contact_id_of(session, address)
        access.record(session, Look.PROVED, "flask consent proof", contact_ids=[contact_id])
        answer(proof.proof(session, contact_id))
