"""The table of what the controller adds to the register of processing."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, timestamp


class RegisterText(Base):
    """A text of the register that no setting tells: the officer, further recipients, safeguards, security."""

    __tablename__ = "register_text"
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[timestamp]
