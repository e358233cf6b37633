"""The table of addresses, domains and patterns that are not written to."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Suppression(Base):
    """An address, domain or pattern that is not written to, whatever the ledger says, until ``until`` or lifted."""

    __tablename__ = "suppression"
    id: Mapped[bigint_id]
    kind: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    value: Mapped[str | None] = mapped_column(Text)  # domain or pattern, in clear
    reason: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text, server_default="all")
    brand_id: Mapped[int | None] = mapped_column(BigInteger)
    topic_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text, server_default="")
    until: Mapped[timestamp | None]
    created_at: Mapped[created]
    lifted_at: Mapped[timestamp | None]
    __table_args__ = (
        CheckConstraint("kind IN ('address', 'domain', 'pattern')", name="kind"),
        CheckConstraint("scope IN ('all', 'brand', 'topic')", name="scope"),
        CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'objection', 'erasure', 'manual', 'import')",
            name="reason",
        ),
        CheckConstraint("(kind = 'address') = (address_key IS NOT NULL)", name="address"),
        Index("ix_suppression_address_key", "address_key", postgresql_where=text("lifted_at IS NULL")),
        Index("ix_suppression_value", "value", postgresql_where=text("lifted_at IS NULL AND value IS NOT NULL")),
    )
