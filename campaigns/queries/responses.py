"""What rooms above read of campaigns and messages, as tables to join."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from campaigns.models import Campaign, CampaignLink, Message


def message_table() -> Table:
    """One row for each member of each frozen audience (columns of ``models.Message``)."""
    return cast(Table, Message.__table__)


def campaign_table() -> Table:
    """Campaigns (columns of ``models.Campaign``)."""
    return cast(Table, Campaign.__table__)


def link_table() -> Table:
    """Numbered links of campaigns: campaign_id, n, url, label, category."""
    return cast(Table, CampaignLink.__table__)
