"""After a crash: bring home what journals know, and show what nobody knows.

A journal without an owner tells of each message of its claim: an outcome is written back; an intent without outcome
means that the message may have been sent, so it becomes ``unknown`` and is not sent again; neither means that its
final dot was never written, so it is queued again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, config, log
from app.core.db import unit_of_work
from campaigns.engine import hosts, journal
from campaigns.engine.journal import Abandoned, Found
from campaigns.models import Claim
from campaigns.services.pumping import settle
from campaigns.services.write_back import ClaimRef, close_claim, give_back_others, lose, lose_all, write_back

logger = log.get("reconcile")


@dataclass
class Reconciled:
    """What was put right: messages by what became of them."""

    claims: int = 0
    queued: int = 0
    unknown: int = 0
    states: dict[str, int] = field(default_factory=dict)
    campaigns: set[int] = field(default_factory=set)


def reconcile() -> Reconciled:
    """Settle every claim of this host whose owner is dead. Safe to run at any time, by many processes at once."""
    var, host = config.current().var, hosts.this_host()
    done = Reconciled()
    journal.sweep_drafts(var)
    with unit_of_work() as session:
        without = [claim for claim in hosts.open_claims(session, host) if not journal.exists(var, claim.id)]
    for path in journal.abandoned(var):
        try:
            _settle_journal(path, host, done)
        except (ValueError, KeyError, OSError) as error:  # one that cannot be read must not hold up the others
            logger.error("journal_not_settled", journal=path.name, error=f"{type(error).__name__}: {error}")
    for claim in without:
        _lose_claim(claim, done)
    _settle_campaigns(done)
    return done


def lose_hosts() -> Reconciled:
    """Mark as unknown what lost hosts had in hand: their journals are out of reach."""
    done = Reconciled()
    with unit_of_work() as session:
        lost = hosts.lost_claims(session)
    for claim in lost:
        _lose_claim(claim, done)
    _settle_campaigns(done)
    return done


def _settle_journal(path: Path, host: str, done: Reconciled) -> None:
    with Abandoned(path) as found:
        if found is None:
            return
        with unit_of_work() as session:
            claim = _take_claim(session, found, host)
            _apply(session, claim, found, done)
        found.path.unlink(missing_ok=True)
        done.claims += 1
        done.campaigns.add(claim.campaign_id)


def _take_claim(session: Session, found: Found, host: str) -> ClaimRef:
    """Return the claim of a journal, so that nobody can commit it any more if it was not.

    Its owner may have died while PostgreSQL was still committing: a row under the same key, closed, waits for that
    transaction to end, and keeps a later one from succeeding.
    """
    now = clock.now()
    closed = {"campaign_id": found.campaign_id or 0, "lane_id": 0, "host": host, "lease_until": now, "closed_at": now}
    session.execute(insert(Claim).values(id=found.claim_id, **closed).on_conflict_do_nothing())
    row = session.execute(select(Claim.id, Claim.campaign_id).where(Claim.id == found.claim_id).with_for_update()).one()
    return ClaimRef(*row)


def _apply(session: Session, claim: ClaimRef, found: Found, done: Reconciled) -> None:
    written = write_back(session, claim, list(found.results.values()))
    for state, count in written.states.items():
        done.states[state] = done.states.get(state, 0) + count
    if found.incomplete:  # an intent may be missing: who was not tried cannot be told
        done.unknown += lose_all(session, claim)
        return
    done.unknown += lose(session, claim, found.intents)
    done.queued += give_back_others(session, claim, [*found.results, *found.intents])


def _lose_claim(claim: ClaimRef, done: Reconciled) -> None:
    with unit_of_work() as session:
        still_open = session.scalar(
            select(Claim.id).where(Claim.id == claim.id, Claim.closed_at.is_(None)).with_for_update()
        )
        if still_open is None:  # its owner has just written its results
            return
        done.unknown += lose_all(session, claim)
        close_claim(session, claim, 0)
    done.claims += 1
    done.campaigns.add(claim.campaign_id)


def _settle_campaigns(done: Reconciled) -> None:
    for campaign_id in sorted(done.campaigns - {0}):
        with unit_of_work() as session:
            settle(session, campaign_id)
    if done.claims:
        logger.info("claims_settled", claims=done.claims, queued=done.queued, unknown=done.unknown, **done.states)
