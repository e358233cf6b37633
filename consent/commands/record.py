"""``flask consent record``: what staff state on somebody's behalf."""

from __future__ import annotations

import click

from app.core.cli import answer
from app.core.db import unit_of_work
from app.customers.services.contacts import find_or_create
from app.customers.services.importing import split_evidence
from consent.commands.group import consent
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions, topics
from consent.services.conditions import moment, stated_moment
from consent.services.ledger import Entry, append

ACTIONS = {
    State.PENDING: Action.REQUEST,
    State.GRANTED: Action.GRANT,
    State.WITHDRAWN: Action.WITHDRAW,
    State.EXPIRED: Action.EXPIRE,
}


@consent.command("record")
@click.argument("address")
@click.option("--topic", required=True, metavar="SLUG", help="The topic it is about.")
@click.option("--state", type=click.Choice([state.value for state in ACTIONS]), default="granted", show_default=True)
@click.option("--level", type=click.Choice([level.value for level in Level]), help="How clearly they said yes.")
@click.option("--basis", type=click.Choice([basis.value for basis in Basis]), help="The legal basis.")
@click.option("--source", default="", help="Where this comes from: a fair, a phone call, another system.")
@click.option(
    "--evidence",
    multiple=True,
    metavar="TEXT",
    help="Where the proof is kept, or, as NAME=TEXT, a condition of the basis; repeat it for several.",
)
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
    evidence: tuple[str, ...],
    at: str | None,
    expires: str | None,
    language: str,
) -> None:
    """Write what ADDRESS said into the ledger, as stated by staff. A withdrawal cannot be lifted by it.

    \b
    Prints {"contact", "entry", "topic", "state", "level", "basis", "expires"}: what stands afterwards.

    \b
    What a basis other than consent asks for, as --evidence NAME=TEXT:
      soft_opt_in       sale, similar, refusal
      charity_support   support, refusal
      b2b_interest      company, role, told
      implied_purchase  purchase, and --at or when (24 months, Canada)
      implied_inquiry   inquiry, and --at or when (6 months, Canada)
    """
    if state == State.GRANTED and not (level and basis and (source or evidence)):
        raise click.UsageError("A grant needs --level, --basis and --source or --evidence.")
    proof, conditions = split_evidence(evidence)
    said = {"email": address, "source": source, "evidence": proof, **conditions}
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
            at=moment(at, "--at") if at else stated_moment(conditions),
            expires_at=moment(expires, "--expires") if expires else None,
            language=language or None,
            evidence={name: text for name, text in said.items() if text},
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
            "expires": standing.expires_at.isoformat() if standing and standing.expires_at else None,
        }
    )
