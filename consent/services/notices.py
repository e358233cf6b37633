"""Noting who is told where we have their address from, so that the first mail says it and no other (GDPR 14)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import SourceNotice


def note(session: Session, campaign_id: int, contact_ids: Sequence[int]) -> None:
    """Note that the mails of a campaign to these contacts name the source; again changes nothing."""
    if not contact_ids:
        return
    now = clock.now()
    rows = [{"contact_id": number, "campaign_id": campaign_id, "at": now} for number in sorted(contact_ids)]
    session.execute(insert(SourceNotice).values(rows).on_conflict_do_nothing())


def take_back(session: Session, campaign_id: int, contact_ids: Sequence[int] | Select[int]) -> None:
    """Note that the mails of a campaign to these contacts did not arrive, so that the next one tells them."""
    session.execute(
        delete(SourceNotice).where(SourceNotice.campaign_id == campaign_id, SourceNotice.contact_id.in_(contact_ids))
    )


def forget(session: Session, contact_id: int) -> None:
    """Forget what an erased contact was told."""
    session.execute(delete(SourceNotice).where(SourceNotice.contact_id == contact_id))
