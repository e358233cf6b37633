"""The table of anchors."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, timestamp


class LedgerAnchor(Base):
    """What the whole ledger was at one moment (``consent.policy.anchoring``): append-only by trigger.

    ``lengths`` holds how long each chain was, compressed (``consent.policy.anchor_file``): with it and the ledger
    the leaves can be written again at any time, and the root says whether they are the same.
    """

    __tablename__ = "ledger_anchor"
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    made_at: Mapped[timestamp]
    chains: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    lengths: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (CheckConstraint("number > 0", name="number"),)
