"""Lists of people who signed on paper."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created


class PaperList(Base):
    """A batch that staff typed from paper: what stood on it, when and where it was signed, and its scan by SHA-256.

    ``result`` counts what became of its lines; whose they were stands in the ledger alone.
    """

    __tablename__ = "paper_list"
    id: Mapped[bigint_id]
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"), index=True)
    topic_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    wording_id: Mapped[int] = mapped_column(ForeignKey("wording.id"))
    language: Mapped[str] = mapped_column(Text)
    signed_on: Mapped[date]
    place: Mapped[str] = mapped_column(Text)
    confirms: Mapped[bool]  # each gets a confirmation mail; else the signature itself is the consent
    scan_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    scan_type: Mapped[str] = mapped_column(Text)
    scan_size: Mapped[int]
    staff_id: Mapped[int] = mapped_column(BigInteger)
    result: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[created]
