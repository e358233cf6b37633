"""Tables of what people give permission for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ForeignKey,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Topic(Base):
    """What people give permission for. ``name`` and ``description`` map a language to text.

    ``accepts`` maps a jurisdiction profile to every pair that suffices, e.g. ``{"eu": ["consent@confirmed"]}``;
    a profile that is absent falls back to that profile's own default (``consent.policy.ladder``).
    """

    __tablename__ = "topic"
    id: Mapped[bigint_id]
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[dict[str, str]]
    description: Mapped[dict[str, str]] = mapped_column(server_default="{}")
    purpose: Mapped[str] = mapped_column(Text, server_default="marketing")
    accepts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    position: Mapped[int] = mapped_column(server_default="0")
    public: Mapped[bool] = mapped_column(server_default="true")  # offered on the preference page
    archived_at: Mapped[timestamp | None]
    created_at: Mapped[created]
