"""The numbered links of a campaign."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.mail.content import Link
from campaigns.models import CampaignLink


def links_of(session: Session, campaign_id: int) -> dict[int, Link]:
    """Return a campaign's links by number, as they are now; empty before its launch."""
    rows = session.scalars(select(CampaignLink).where(CampaignLink.campaign_id == campaign_id).order_by(CampaignLink.n))
    return {row.n: Link(row.n, row.url, row.label, tuple(row.pieces), row.category) for row in rows}
