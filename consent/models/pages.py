"""Tables of the subscriber's own pages: pauses, reasons for leaving, access links and changes of address."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Pause(Base):
    """The projection of the ledger's pauses that SQL joins: no mail of a brand until then. It ends by itself."""

    __tablename__ = "pause"
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    until: Mapped[timestamp]
    since: Mapped[timestamp]
    event_id: Mapped[int] = mapped_column(BigInteger)


class LeavingReason(Base):
    """Why somebody left, as they said it after the fact. After a year, or by erasure, only the count stays:
    ``contact_id`` becomes null and ``comment`` blank. ``campaign_id`` 0 stands for no mail."""

    __tablename__ = "leaving_reason"
    id: Mapped[bigint_id]
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    brand_id: Mapped[int] = mapped_column(BigInteger)
    campaign_id: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)  # consent.policy.leaving.REASONS
    comment: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[created]
    __table_args__ = (
        UniqueConstraint("contact_id", "brand_id", "campaign_id"),
        Index("ix_leaving_reason_created_at", "created_at"),
        CheckConstraint("reason ~ '^[a-z_]+$'", name="reason"),
    )


class AccessRequest(Base):
    """Somebody asked for a link to the mailbox of an address, known or not; kept for two days, to count them."""

    __tablename__ = "access_request"
    id: Mapped[bigint_id]
    address_key: Mapped[bytes] = mapped_column(LargeBinary)
    brand_id: Mapped[int] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[created]
    mailed_at: Mapped[timestamp | None]
    __table_args__ = (
        Index("ix_access_request_address_key_created_at", "address_key", "created_at"),
        Index("ix_access_request_ip_created_at", "ip", "created_at"),
    )


class AddressChange(Base):
    """A change of address that a person asked for, until they confirm it in the new mailbox; then kept for 30 days.

    ``former_key`` is the key of the address they had when they asked.
    """

    __tablename__ = "address_change"
    id: Mapped[bigint_id]
    contact_id: Mapped[int] = mapped_column(BigInteger, index=True)
    brand_id: Mapped[int] = mapped_column(BigInteger)
    email: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes] = mapped_column(LargeBinary)
    mailbox_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # consent.policy.bombing
    former_key: Mapped[bytes] = mapped_column(LargeBinary)
    language: Mapped[str] = mapped_column(Text)
    created_at: Mapped[created]
    mailed_at: Mapped[timestamp | None]
    confirmed_at: Mapped[timestamp | None]
    __table_args__ = (
        Index("ix_address_change_address_key_created_at", "address_key", "created_at"),
        Index("ix_address_change_mailbox_key_created_at", "mailbox_key", "created_at"),
    )
