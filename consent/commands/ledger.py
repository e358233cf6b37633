"""``flask consent proof``: what the ledger says of one person."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.accounts.policy import Look
from app.accounts.services import access
from app.core.db import unit_of_work
from consent.commands.group import consent, contact_id_of
from consent.forms import proof_words
from consent.queries import proof


@consent.command("proof")
@click.argument("address")
@click.option("--format", "form", type=click.Choice(["json", "pdf"]), default="json", show_default=True)
@click.option("--language", type=click.Choice(proof_words.LANGUAGES), default="en", help="Of the PDF.")
@click.option("--receipt", is_flag=True, help="The receipt for the person, as JSON: no staff in it.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def proof_(address: str, form: str, language: str, receipt: bool, output: Path | None) -> None:
    """Give the dated proof of ADDRESS's permissions: what was shown and said, when, from where, and what stands.

    \b
    JSON in the order of ISO/IEC TS 27560: {"record_header", "processing", "parties", "events"}; a receipt is
    {"receipt_header", "consent_record"}. Prints to standard output without --output.
    """
    if receipt and form == "pdf":
        raise click.UsageError("A receipt is JSON: leave out --format pdf.")
    if form == "pdf" and output is None and sys.stdout.isatty():
        raise click.UsageError("A PDF is not for the screen: name a file with --output.")
    with unit_of_work() as session:
        contact_id = contact_id_of(session, address)
        access.record(session, Look.PROVED, "flask consent proof", contact_ids=[contact_id])
        if form == "pdf":
            made = proof_words.pdf(session, contact_id, language)
        else:
            said = proof.receipt(session, contact_id) if receipt else proof.proof(session, contact_id)
            made = proof.dumps(said).encode()
    if output is None:
        sys.stdout.buffer.write(made)
    else:
        output.write_bytes(made)
