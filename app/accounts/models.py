"""Tables of the staff: who may sign in, what they may do, and what they did."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Staff(Base):
    """A member of staff. ``email`` is kept in lower case; ``session_epoch`` rises to end all open sessions."""

    __tablename__ = "staff"
    id: Mapped[bigint_id]
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="en")
    active: Mapped[bool] = mapped_column(server_default="true")
    session_epoch: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[created]
    signed_in_at: Mapped[timestamp | None]


class RoleGrant(Base):
    """One role of one member of staff, for one brand or (``brand_id`` null) for all of them."""

    __tablename__ = "role_grant"
    id: Mapped[bigint_id]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    brand_id: Mapped[int | None] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint("role IN ('administrator', 'marketer', 'analyst', 'viewer')", name="role"),
        UniqueConstraint("staff_id", "brand_id", postgresql_nulls_not_distinct=True),
    )


class AuditEntry(Base):
    """One thing a member of staff (or a command, ``staff_id`` null) did. Append-only by trigger."""

    __tablename__ = "audit_entry"
    id: Mapped[bigint_id]
    at: Mapped[created]
    staff_id: Mapped[int | None]
    brand_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    ip: Mapped[str | None] = mapped_column(INET)
    __table_args__ = (Index(None, "subject", "subject_id", "at"),)


class AccessEntry(Base):
    """One look at personal data by a member of staff (or a command, ``staff_id`` null): who was seen, never what was
    typed to find them. ``contact_ids`` names them, ``people`` is how many they were; ``subject`` "base" is everybody.
    """

    __tablename__ = "access_entry"
    id: Mapped[bigint_id]
    at: Mapped[timestamp]
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    look: Mapped[str] = mapped_column(Text)  # app.accounts.policy.Look
    page: Mapped[str] = mapped_column(Text)  # the view's endpoint, or the command
    subject: Mapped[str] = mapped_column(Text, server_default="")  # "import", "campaign", ... when it is one thing
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    contact_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    people: Mapped[int | None]
    ip: Mapped[str | None] = mapped_column(INET)
    __table_args__ = (
        Index("ix_access_entry_at", "at"),
        Index("ix_access_entry_staff_id_at", "staff_id", "at"),
        Index("ix_access_entry_contact_ids", "contact_ids", postgresql_using="gin"),
    )
