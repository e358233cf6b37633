"""``flask consent``: record, prove, verify, export and erase on the command line. Answers are JSON."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.accounts.services import audit
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, NotFound
from app.customers.policy import normalise
from app.customers.queries.contacts import by_address
from app.customers.services.contacts import find_or_create
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions, proof, topics, verify
from consent.services.erase import erase
from consent.services.ledger import Entry, append

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


ACTIONS = {
    State.PENDING: Action.REQUEST,
    State.GRANTED: Action.GRANT,
    State.WITHDRAWN: Action.WITHDRAW,
    State.EXPIRED: Action.EXPIRE,
}


@click.group("consent")
def consent() -> None:
    """Permission: record, prove, verify, export, erase."""


@consent.command("record")
@click.argument("address")
@click.option("--topic", required=True, metavar="SLUG", help="The topic it is about.")
@click.option("--state", type=click.Choice([state.value for state in ACTIONS]), default="granted", show_default=True)
@click.option("--level", type=click.Choice([level.value for level in Level]), help="How clearly they said yes.")
@click.option("--basis", type=click.Choice([basis.value for basis in Basis]), help="The legal basis.")
@click.option("--source", default="", help="Where this comes from: a fair, a phone call, another system.")
@click.option("--evidence", default="", help="Where the proof is kept.")
@click.option("--at", metavar="TIME", help="When it happened, ISO 8601; without it, now.")
@click.option("--expires", metavar="TIME", help="When it ends, ISO 8601.")
@click.option("--language", default="", help="Language of what they were shown, e.g. fr.")
def record(
    address: str,
    topic: str,
    state: str,
    level: str | None,
    basis: str | None,
    source: str,
    evidence: str,
    at: str | None,
    expires: str | None,
    language: str,
) -> None:
    """Write what ADDRESS said into the ledger, as stated by staff. A withdrawal cannot be lifted by it.

    \b
    Prints {"contact", "entry", "topic", "state", "level", "basis"}: what stands afterwards.
    """
    if state == State.GRANTED and not (level and basis and (source or evidence)):
        raise click.UsageError("A grant needs --level, --basis and --source or --evidence.")
    with unit_of_work() as session:
        about = topics.by_slug(session, topic)
        contact_id = find_or_create(session, address, source=source)
        entry = Entry(
            Subject.TOPIC,
            ACTIONS[State(state)],
            Actor.STAFF,
            topic_id=about.id,
            level=Level(level) if level else None,
            basis=Basis(basis) if basis else None,
            at=_moment(at, "--at"),
            expires_at=_moment(expires, "--expires"),
            language=language or None,
            evidence={
                name: text for name, text in (("email", address), ("source", source), ("evidence", evidence)) if text
            },
        )
        event_id = append(session, contact_id, entry)
        standing = permissions.of_contact(session, contact_id).get(about.id)
    answer(
        {
            "contact": contact_id,
            "entry": event_id,
            "topic": about.slug,
            "state": standing.state if standing else State.NEVER_ASKED,
            "level": standing.level if standing else None,
            "basis": standing.basis if standing else None,
        }
    )


def _moment(text: str | None, option: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{option} {text!r} is no time: write it like 2026-03-31 or 2026-03-31T14:00+02:00."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@consent.command("proof")
@click.argument("address")
def proof_(address: str) -> None:
    """Print the proof of ADDRESS's permissions: what was shown and said, when, from where, and what stands."""
    with unit_of_work() as session:
        answer(proof.proof(session, _contact_id(session, address)))


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


@consent.command("export")
@click.argument("address")
def export(address: str) -> None:
    """Print all that is held about ADDRESS (GDPR 15 and 20)."""
    with unit_of_work() as session:
        answer(proof.export(session, _contact_id(session, address)))


@consent.command("erase")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_(address: str, yes: bool) -> None:
    """Erase the person behind ADDRESS for good (GDPR 17). It cannot be undone."""
    with unit_of_work() as session:
        contact_id = _contact_id(session, address)
    if not yes:
        click.confirm(f"Erase {address} (contact {contact_id}) for good?", abort=True, err=True)
    with unit_of_work() as session:
        erase(session, contact_id, actor=Actor.STAFF)
        audit.record(session, "erased", "contact", contact_id)
    answer({"contact": contact_id, "erased": True})


def _contact_id(session: Session, address: str) -> int:
    found = by_address(session, normalise(address).email_key)
    if found is None:
        raise NotFound("Nobody in the customer base has this address.")
    return found.id


COMMANDS = [consent]
