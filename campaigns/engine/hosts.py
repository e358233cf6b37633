"""Hosts that send, and those that have not been seen for so long that they are held for lost."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, config, ids
from campaigns.models import Claim, SendingHost
from campaigns.services.write_back import ClaimRef

# A host that sends is seen every ten seconds; one that rebooted is back sooner than this.
LOST_AFTER = timedelta(minutes=10)


def this_host() -> str:
    """Return the lasting name of this host."""
    return ids.host_id(config.current().var)


def seen(session: Session) -> str:
    """Note that this host is alive; return its name."""
    host, now = this_host(), clock.now()
    statement = insert(SendingHost).values(id=host, seen_at=now)
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))
    return host


def open_claims(session: Session, host: str) -> list[ClaimRef]:
    """Return the claims of a host whose results are not written."""
    rows = session.execute(select(Claim.id, Claim.campaign_id).where(Claim.host == host, Claim.closed_at.is_(None)))
    return [ClaimRef(*row) for row in rows]


def lost_claims(session: Session) -> list[ClaimRef]:
    """Return the open claims whose lease has lapsed and whose host has not been seen for long."""
    now = clock.now()
    rows = session.execute(
        select(Claim.id, Claim.campaign_id)
        .outerjoin(SendingHost, SendingHost.id == Claim.host)
        .where(
            Claim.closed_at.is_(None),
            Claim.lease_until < now,
            SendingHost.seen_at.is_(None) | (SendingHost.seen_at < now - LOST_AFTER),
        )
    )
    return [ClaimRef(*row) for row in rows]
