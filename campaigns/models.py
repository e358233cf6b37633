"""Tables of campaigns: segments, campaigns, their content, lanes, claims and messages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp

# A campaign id fits 32 bits, because tokens say so; partitions of ``message`` hold this many campaigns.
CAMPAIGNS_PER_PARTITION = 64


class Segment(Base):
    """A target group: a JSON tree of conditions (``docs/reference/segments.md``)."""

    __tablename__ = "segment"
    id: Mapped[bigint_id]
    name: Mapped[str] = mapped_column(Text, unique=True)
    definition: Mapped[dict[str, Any]]
    last_count: Mapped[int | None]
    counted_at: Mapped[timestamp | None]
    created_at: Mapped[created]
    updated_at: Mapped[created]
    archived_at: Mapped[timestamp | None]


class SegmentCount(Base):
    """How many people a named segment had at a moment: when it was saved, and once a day."""

    __tablename__ = "segment_count"
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[timestamp] = mapped_column(primary_key=True)
    people: Mapped[int]


class PeopleList(Base):
    """People who are named one by one: a ``snapshot`` of a segment, or the ones found from an ``upload``.

    ``unknown`` counts the lines of an upload that name nobody in the base.
    """

    __tablename__ = "people_list"
    id: Mapped[bigint_id]
    name: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segment.id"))
    people: Mapped[int] = mapped_column(server_default="0")  # when it was made
    unknown: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[int | None]
    created_at: Mapped[created]
    __table_args__ = (CheckConstraint("kind IN ('snapshot', 'upload')", name="kind"),)


class PeopleListMember(Base):
    """Somebody on a list."""

    __tablename__ = "people_list_member"
    list_id: Mapped[int] = mapped_column(ForeignKey("people_list.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, index=True)


class Campaign(Base):
    """One mailing. Its states are the machine of ``campaigns.policy``."""

    __tablename__ = "campaign"
    id: Mapped[int] = mapped_column(primary_key=True)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("sender.id"))
    kind: Mapped[str] = mapped_column(Text, server_default="mailing")
    name: Mapped[str] = mapped_column(Text)
    objective: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(Text, server_default="draft")
    problem: Mapped[str | None] = mapped_column(Text)  # why it paused itself or could not be launched
    relay_id: Mapped[int | None] = mapped_column(ForeignKey("relay.id"))  # chosen when the audience is frozen
    created_by: Mapped[int | None]
    created_at: Mapped[created]
    updated_at: Mapped[created]
    launched_at: Mapped[timestamp | None]
    finished_at: Mapped[timestamp | None]
    __table_args__ = (
        CheckConstraint(
            "status IN ('draft', 'launching', 'sending', 'paused', 'finished', 'cancelled')", name="status"
        ),
        CheckConstraint("kind IN ('mailing', 'repermission')", name="kind"),
    )


class Repermission(Base):
    """How a re-permission campaign asks: whom, how many a day, when silence means no, and what stops it.

    Limits are shares: ``max_complaints`` of delivered, ``max_bounces`` of attempted, once ``min_sample`` were attempted
    since ``judged_from``. ``stopped_for`` is ``complaints`` or ``bounces`` after it paused itself.
    """

    __tablename__ = "repermission"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    per_day: Mapped[int]
    answer_days: Mapped[int]
    ends_within_days: Mapped[int | None]
    weaker: Mapped[bool]
    imported: Mapped[bool]
    quiet_months: Mapped[int | None]
    max_complaints: Mapped[float]
    max_bounces: Mapped[float]
    min_sample: Mapped[int]
    next_wave_at: Mapped[timestamp | None]
    judged_from: Mapped[timestamp | None]
    stopped_for: Mapped[str | None] = mapped_column(Text)


class CampaignSegment(Base):
    """A segment that a campaign includes or excludes."""

    __tablename__ = "campaign_segment"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(Text)
    __table_args__ = (CheckConstraint("mode IN ('include', 'exclude')", name="mode"),)


class CampaignContent(Base):
    """Subject and design of a campaign in one language.

    ``skeleton`` is the compiled message with a token per person, ``untracked_skeleton`` the one for people who are
    not tracked; both are made at launch.
    """

    __tablename__ = "campaign_content"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, server_default="")
    preheader: Mapped[str] = mapped_column(Text, server_default="")
    mjml: Mapped[str] = mapped_column(Text, server_default="")
    skeleton: Mapped[bytes | None] = mapped_column(LargeBinary)
    untracked_skeleton: Mapped[bytes | None] = mapped_column(LargeBinary)
    updated_at: Mapped[created]


class CampaignLink(Base):
    """A numbered link of a campaign, over all its languages. ``url`` can be corrected after sending.

    ``pieces`` is the destination split at its merge slots (``app.mail.content.Link``).
    """

    __tablename__ = "campaign_link"
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    url: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text, server_default="")
    pieces: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    category: Mapped[str] = mapped_column(Text, server_default="")  # what it leads to, as the design names it


class Lane(Base):
    """Relay and mailbox-provider group: what shares one speed limit."""

    __tablename__ = "lane"
    id: Mapped[int] = mapped_column(primary_key=True)
    relay_id: Mapped[int] = mapped_column(ForeignKey("relay.id"))
    provider: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("relay_id", "provider"),)


class Claim(Base):
    """A leased batch of messages of one lane, taken by one process of one host; its journal bears its id.

    ``size`` messages were claimed, ``sent`` of them accepted by the relay.
    """

    __tablename__ = "claim"
    id: Mapped[bigint_id]
    campaign_id: Mapped[int] = mapped_column(Integer)
    lane_id: Mapped[int] = mapped_column(Integer)
    host: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[created]
    lease_until: Mapped[timestamp]
    closed_at: Mapped[timestamp | None]
    size: Mapped[int] = mapped_column(server_default="0")
    sent: Mapped[int] = mapped_column(server_default="0")
    __table_args__ = (
        Index("ix_claim_open", "host", "lease_until", postgresql_where=text("closed_at IS NULL")),
        Index("ix_claim_campaign_id_closed_at", "campaign_id", "closed_at"),
    )


class SendingHost(Base):
    """A host that sends, and when it was last seen alive; only it can read the journals under its ``var``."""

    __tablename__ = "sending_host"
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[timestamp]


class Message(Base):
    """One member of a frozen audience. States and transitions: ``campaigns.policy``; no row means not in the segment.

    ``reason`` is the first failing gate of a skipped message or what failed; ``permission_event_id`` the ledger entry
    that allowed or refused it. Partitioned by ranges of campaigns; nothing has a foreign key into it.
    """

    __tablename__ = "message"
    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    permission_event_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str | None] = mapped_column(Text)
    tracked: Mapped[bool] = mapped_column(server_default="false")
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    lane_id: Mapped[int | None] = mapped_column(Integer)
    claim_id: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[timestamp | None]
    sent_at: Mapped[timestamp | None]
    failed_at: Mapped[timestamp | None]
    smtp_code: Mapped[int | None] = mapped_column(SmallInteger)
    enhanced_code: Mapped[str | None] = mapped_column(Text)
    reply: Mapped[str | None] = mapped_column(Text)
    bounce_class: Mapped[str | None] = mapped_column(Text)  # hard, soft, block, undetermined: a final failure
    complained_at: Mapped[timestamp | None]
    unsubscribed_at: Mapped[timestamp | None]
    opened_at: Mapped[timestamp | None]  # first open of any kind
    human_opened_at: Mapped[timestamp | None]  # first open not by a machine; a human click implies one
    clicked_at: Mapped[timestamp | None]  # first human click
    opens: Mapped[int] = mapped_column(server_default="0")
    human_opens: Mapped[int] = mapped_column(server_default="0")
    clicks: Mapped[int] = mapped_column(server_default="0")  # human
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'claimed', 'sent', 'deferred', 'failed', 'unknown',"
            " 'skipped', 'held_out', 'cancelled')",
            name="state",
        ),
        Index("ix_message_queued", "campaign_id", "lane_id", "contact_id", postgresql_where=text("state = 'queued'")),
        Index("ix_message_deferred", "campaign_id", "lane_id", "due_at", postgresql_where=text("state = 'deferred'")),
        Index("ix_message_claim_id", "claim_id", postgresql_where=text("state IN ('claimed', 'unknown')")),
        Index("ix_message_contact_id", "contact_id", "campaign_id"),
        {"postgresql_partition_by": "RANGE (campaign_id)"},
    )
