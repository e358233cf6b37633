"""``flask consent proof`` and ``verify``: what the ledger says, and whether it is whole."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.accounts.policy import Look
from app.accounts.services import access
from app.core.cli import answer
from app.core.db import unit_of_work
from consent.queries import proof, verify

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


@consent.command("verify")
def verify_() -> None:
    """Walk all chains of the ledger; name the first broken link and exit 1 when there is one."""
    began = time.perf_counter()
    with unit_of_work() as session:
        found = verify.verify(session)
    answer({**asdict(found), "ok": found.broken is None, "seconds": round(time.perf_counter() - began, 2)})
    if found.broken is not None:
        broken = found.broken
        click.echo(f"The ledger is broken at contact {broken.contact_id}, entry {broken.seq}: {broken.what}.", err=True)
        sys.exit(1)
