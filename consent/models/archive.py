"""The table of sealed proofs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, timestamp


class SealedProof(Base):
    """The proof of an erased person's permissions, which only the controller's private key opens (GDPR 17(3)(e))."""

    __tablename__ = "sealed_proof"
    id: Mapped[bigint_id]
    contact_id: Mapped[int] = mapped_column(BigInteger, index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[timestamp]
    until: Mapped[timestamp]
    __table_args__ = (Index("ix_sealed_proof_until", "until"),)
