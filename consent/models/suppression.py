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
    """An address, domain or pattern that is not written to, whatever the ledger says, until ``until`` or lifted.

    A ``hash`` is an address of which another system told only SHA-256 or MD5; it becomes an ``address`` when somebody
    with that address is there (``consent.services.lists``).
    """

    __tablename__ = "suppression"
    id: Mapped[bigint_id]
    kind: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    md5: Mapped[bytes | None] = mapped_column(LargeBinary)
    value: Mapped[str | None] = mapped_column(Text)  # domain or pattern, in clear
    reason: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text, server_default="all")
    brand_id: Mapped[int | None] = mapped_column(BigInteger)
    topic_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text, server_default="")
    evidence: Mapped[str] = mapped_column(Text, server_default="")
    until: Mapped[timestamp | None]
    list_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[created]
    created_by: Mapped[int | None] = mapped_column(BigInteger)  # of the staff
    lifted_at: Mapped[timestamp | None]
    lifted_by: Mapped[int | None] = mapped_column(BigInteger)
    lifted_why: Mapped[str] = mapped_column(Text, server_default="")
    __table_args__ = (
        CheckConstraint("kind IN ('address', 'hash', 'domain', 'pattern')", name="kind"),
        CheckConstraint("scope IN ('all', 'brand', 'topic')", name="scope"),
        CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'objection', 'erasure', 'manual', 'import')",
            name="reason",
        ),
        CheckConstraint("(kind = 'address') = (address_key IS NOT NULL)", name="address"),
        CheckConstraint("kind <> 'hash' OR sha256 IS NOT NULL OR md5 IS NOT NULL", name="hash"),
        Index("ix_suppression_sha256", "sha256", postgresql_where=text("lifted_at IS NULL AND sha256 IS NOT NULL")),
        Index("ix_suppression_md5", "md5", postgresql_where=text("lifted_at IS NULL AND md5 IS NOT NULL")),
        Index("ix_suppression_hash", "id", postgresql_where=text("lifted_at IS NULL AND kind = 'hash'")),
        Index("ix_suppression_address_key", "address_key", postgresql_where=text("lifted_at IS NULL")),
        Index("ix_suppression_value", "value", postgresql_where=text("lifted_at IS NULL AND value IS NOT NULL")),
    )
