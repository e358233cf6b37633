"""Tables of tracking: events and their seals, how far spools are drained and batches folded, rollups, orders and
conversions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Event(Base):
    """One open, click or other response. Append-only but for its label; partitioned by month of ``at``.

    ``contact_id`` is null for clicks through the campaign-wide links of untracked mail. Derived features of the
    client stay, so that events can be labelled anew after the address of the client is gone. ``label`` is ``human``,
    ``repeat`` (the same person and link again within 10 s: counts once), ``machine`` or ``prefetch``; it is
    provisional until the batch is folded. ``id`` is the batch's id times 2**20 plus the place in the batch.
    """

    __tablename__ = "event"
    at: Mapped[timestamp] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    batch_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    campaign_id: Mapped[int] = mapped_column(Integer)
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    link_n: Mapped[int | None] = mapped_column(SmallInteger)
    method: Mapped[str] = mapped_column(Text, server_default="GET")
    agent_family: Mapped[str] = mapped_column(Text, server_default="")
    network_class: Mapped[str] = mapped_column(Text, server_default="")
    device: Mapped[str] = mapped_column(Text, server_default="")
    hint: Mapped[str] = mapped_column(Text, server_default="")  # what the request said of itself: prefetch
    delay_s: Mapped[int | None] = mapped_column(Integer)  # seconds since the message was sent
    label: Mapped[str] = mapped_column(Text)
    label_reason: Mapped[str] = mapped_column(Text, server_default="")
    classifier: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # its version
    __table_args__ = (
        CheckConstraint("kind IN ('open', 'click')", name="kind"),
        Index("ix_event_campaign_id", "campaign_id", "contact_id", "at"),
        Index("ix_event_batch_id", "batch_id"),
        Index(
            "ix_event_without_delay",
            "at",
            postgresql_where=text("delay_s IS NULL AND contact_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )


class EventSeal(Base):
    """What raw events that are gone said of one message: how many of a kind, label and link (-1 for opens), the first
    and the last. A baseline of every fold that is kept by message; ``Rollup.sealed`` is the other's."""

    __tablename__ = "event_seal"
    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text, primary_key=True)
    link_n: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    events: Mapped[int]
    first_at: Mapped[timestamp]
    last_at: Mapped[timestamp]


class SpoolPosition(Base):
    """How far one spool file has been drained; moved in the transaction that copies its events."""

    __tablename__ = "spool_position"
    spool: Mapped[str] = mapped_column(Text, primary_key=True)  # host id and file name
    position: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[created]


class EventBatch(Base):
    """The events of one drain, waiting to be folded (``folded_at`` null) or folded."""

    __tablename__ = "event_batch"
    id: Mapped[bigint_id]
    rows: Mapped[int]
    first_at: Mapped[timestamp]
    last_at: Mapped[timestamp]
    drained_at: Mapped[created]
    folded_at: Mapped[timestamp | None]
    __table_args__ = (Index("ix_event_batch_unfolded", "id", postgresql_where=text("folded_at IS NULL")),)


class Rollup(Base):
    """Events of a campaign in one cell of 15 minutes, by kind, label and link (-1 for opens); ``sealed`` of them are
    gone as raw events."""

    __tablename__ = "rollup"
    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cell: Mapped[timestamp] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text, primary_key=True)
    link_n: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    untracked: Mapped[bool] = mapped_column(primary_key=True)
    events: Mapped[int]
    sealed: Mapped[int] = mapped_column(server_default="0")


class Order(Base):
    """A purchase (``value`` net of VAT and shipping) or, negative, a refund of ``refunds``."""

    __tablename__ = "order"
    id: Mapped[bigint_id]
    source: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    contact_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    brand_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[timestamp]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))  # as paid, in ``currency``
    currency: Mapped[str] = mapped_column(Text)
    rate: Mapped[Decimal] = mapped_column(Numeric(18, 9), server_default="1")  # brand currency for one unit
    rate_date: Mapped[timestamp]
    value: Mapped[Decimal] = mapped_column(Numeric(14, 2))  # net, in the brand's currency
    refunds: Mapped[int | None] = mapped_column(BigInteger)
    items: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    created_at: Mapped[created]
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_order_items", "items", postgresql_using="gin", postgresql_ops={"items": "jsonb_path_ops"}),
    )


class Conversion(Base):
    """An order credited to a campaign, with the reason (METRICS, attribution): a click at ``clicked_at``, which is
    ``sealed`` when its raw event is gone."""

    __tablename__ = "conversion"
    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(Integer, index=True)
    contact_id: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)  # click or open
    credited_at: Mapped[created]
    value: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    clicked_at: Mapped[timestamp]
    sealed: Mapped[bool] = mapped_column(server_default="false")


class InboundMail(Base):
    """A mail that came in, by the SHA-256 of its bytes, so that it is applied once however often it is delivered.

    ``campaign_id`` and ``contact_id`` name the message it is about where a genuine token and the address agree.
    """

    __tablename__ = "inbound_mail"
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[timestamp] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(Text)
    campaign_id: Mapped[int | None] = mapped_column(Integer)
    contact_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
