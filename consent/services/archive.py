"""The sealed archive: proofs of the erased, kept for the limitation period where the controller chose it.

GDPR 17(3)(e): erasure does not reach what is needed to establish or defend a legal claim. The proof is sealed with
ARCHIVE_PUBLIC_KEY in the transaction that erases; nobody on this server can open it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core import clock, config
from app.core.secrets import seal_for
from consent.models import PermissionEvent, SealedProof
from consent.policy.deadlines import add_months
from consent.queries import proof


def keep(session: Session, contact_id: int) -> None:
    """Seal the proof of somebody who is about to be erased, when there is an archive."""
    settings, now = config.current(), clock.now()
    if not settings.archive_public_key:
        return
    made = proof.dumps(proof.proof(session, contact_id)).encode()
    until = datetime.combine(add_months(now.date(), 12 * settings.archive_years), now.timetz())
    sealed = seal_for(settings.archive_public_key, made)
    session.add(SealedProof(contact_id=contact_id, sealed=sealed, sealed_at=now, until=until))
    session.flush()


def sealed_for(session: Session, address_key: bytes) -> list[bytes]:
    """Return the sealed proofs of whoever had this address, oldest first: their chains still name its key."""
    people = select(PermissionEvent.contact_id).where(PermissionEvent.address_key == address_key)
    query = select(SealedProof.sealed).where(SealedProof.contact_id.in_(people)).order_by(SealedProof.id)
    return list(session.scalars(query))


def purge(session: Session) -> int:
    """Delete the sealed proofs whose time is over; return how many."""
    gone = session.execute(delete(SealedProof).where(SealedProof.until <= clock.now()).returning(SealedProof.id))
    return len(gone.all())
