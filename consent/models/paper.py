"""Lists of people who signed on paper."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class PaperList(Base):
    """A batch that staff typed from paper: what stood on it, when and where it was signed, and its scan by SHA-256.

    ``result`` counts what became of its lines; whose they were stands in the ledger alone. ``to_cover`` are the lines
    of people who were erased and whom the scan still shows. ``scan_sha256`` is what the ledger names for good; since
    ``covered_at`` another scan, ``covered_sha256``, is kept in its place, or none.
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
    to_cover: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    covered_at: Mapped[timestamp | None]
    covered_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    staff_id: Mapped[int] = mapped_column(BigInteger)
    result: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[created]
