"""The table of who was told where we have their address from."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, timestamp


class SourceNotice(Base):
    """Which mailing tells an imported contact where their address came from (GDPR 14): the first one they get."""

    __tablename__ = "source_notice"
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(Integer, index=True)
    at: Mapped[timestamp]
