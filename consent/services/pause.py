"""Silence for a while: a pause of all mail of a brand, as an entry of the ledger. Permissions stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from consent.policy.standing import Action, Actor, Subject
from consent.queries.pauses import paused_until
from consent.services.ledger import Entry, append


def pause(
    session: Session,
    contact_id: int,
    brand_id: int,
    until: datetime,
    *,
    actor: Actor,
    actor_id: int | None = None,
    campaign_id: int | None = None,
    evidence: Mapping[str, str] | None = None,
) -> None:
    """Write no mail of a brand until then; a later pause replaces an earlier one. The same again does nothing."""
    if paused_until(session, contact_id, brand_id) == until:
        return
    entry = Entry(
        Subject.BRAND,
        Action.PAUSE,
        actor,
        brand_id=brand_id,
        actor_id=actor_id,
        expires_at=until,
        campaign_id=campaign_id,
        evidence=evidence or {},
    )
    append(session, contact_id, entry)


def resume(
    session: Session,
    contact_id: int,
    brand_id: int,
    *,
    actor: Actor,
    actor_id: int | None = None,
    campaign_id: int | None = None,
    evidence: Mapping[str, str] | None = None,
) -> None:
    """End a pause before its time. Does nothing when there is none."""
    if paused_until(session, contact_id, brand_id) is None:
        return
    entry = Entry(
        Subject.BRAND,
        Action.RESUME,
        actor,
        brand_id=brand_id,
        actor_id=actor_id,
        campaign_id=campaign_id,
        evidence=evidence or {},
    )
    append(session, contact_id, entry)
