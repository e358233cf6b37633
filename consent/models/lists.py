"""Tables of the lists of addresses that other systems hand over to be suppressed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class SuppressionList(Base):
    """One list: its file, what it suppresses and why, how far it is read. ``shape`` says how the file is written."""

    __tablename__ = "suppression_list"
    id: Mapped[bigint_id]
    status: Mapped[str] = mapped_column(Text, server_default="waiting")
    filename: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    shape: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    brand_id: Mapped[int | None] = mapped_column(BigInteger)
    topic_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text, server_default="")
    until: Mapped[timestamp | None]
    size: Mapped[int] = mapped_column(BigInteger)  # bytes of the file
    position: Mapped[int] = mapped_column(BigInteger)  # bytes read
    line: Mapped[int] = mapped_column(BigInteger, server_default="0")  # lines read
    rows: Mapped[int] = mapped_column(server_default="0")
    added: Mapped[int] = mapped_column(server_default="0")
    known: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[created]
    finished_at: Mapped[timestamp | None]
    __table_args__ = (CheckConstraint("status IN ('waiting', 'running', 'done', 'failed')", name="status"),)


class SuppressionReject(Base):
    """A line of a list that is no address and no digest, with the reason."""

    __tablename__ = "suppression_reject"
    list_id: Mapped[int] = mapped_column(ForeignKey("suppression_list.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
