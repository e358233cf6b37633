"""Tables of permission over time, folded from the ledger."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Date, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, timestamp


class PermissionDay(Base):
    """What happened to the permissions of a topic on a day of its brand's time zone, by what they stood on.

    ``form_id`` is the form they were given by, 0 for other ways. ``consent.policy.statistics.Moves`` says what is
    counted. All of it can be folded again from the ledger.
    """

    __tablename__ = "permission_day"
    topic_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    level: Mapped[str] = mapped_column(Text, primary_key=True)
    basis: Mapped[str] = mapped_column(Text, primary_key=True)
    form_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    gained: Mapped[int]
    withdrawn: Mapped[int]
    expired: Mapped[int]
    objected: Mapped[int]
    complained: Mapped[int]
    purged: Mapped[int]
    moved_in: Mapped[int]
    moved_out: Mapped[int]


class PermissionFold(Base):
    """How far ``permission_day`` was folded: the ledger's last entry then, and how long it took."""

    __tablename__ = "permission_fold"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    head: Mapped[int] = mapped_column(BigInteger)
    folded_at: Mapped[timestamp]
    took_ms: Mapped[int]
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
