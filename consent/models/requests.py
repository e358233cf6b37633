"""Tables of data subjects' requests and of what was done about each."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, timestamp

OPEN = "state IN ('received', 'verified')"


class PrivacyRequest(Base):
    """A request of a data subject, by any channel (GDPR 12, 15 to 21).

    ``name`` to ``wish``, ``verified_note`` and ``outcome_note`` are personal: they are emptied when the person is
    erased, and some years after the request was closed (``purged_at``). What stays proves that it was answered.
    """

    __tablename__ = "privacy_request"
    id: Mapped[bigint_id]
    kind: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)  # of ``email``
    language: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="")
    email: Mapped[str] = mapped_column(Text, server_default="")  # the address it is about, which may be dead
    phone: Mapped[str] = mapped_column(Text, server_default="")
    postal: Mapped[str] = mapped_column(Text, server_default="")
    new_email: Mapped[str] = mapped_column(Text, server_default="")  # where the person can be written to now
    wish: Mapped[str] = mapped_column(Text, server_default="")
    received_at: Mapped[timestamp]
    due_on: Mapped[date] = mapped_column(Date)  # the last day to answer, by consent.policy.deadlines
    extended_at: Mapped[timestamp | None]
    extended_why: Mapped[str | None] = mapped_column(Text)
    told_on: Mapped[date | None] = mapped_column(Date)  # the person was told of the extension
    verified_at: Mapped[timestamp | None]
    verified_by: Mapped[int | None] = mapped_column(BigInteger)
    verified_how: Mapped[str | None] = mapped_column(Text)
    verified_note: Mapped[str] = mapped_column(Text, server_default="")
    refused_why: Mapped[str | None] = mapped_column(Text)
    outcome_note: Mapped[str] = mapped_column(Text, server_default="")
    closed_at: Mapped[timestamp | None]
    closed_by: Mapped[int | None] = mapped_column(BigInteger)
    purged_at: Mapped[timestamp | None]
    __table_args__ = (
        CheckConstraint("state IN ('received', 'verified', 'done', 'refused', 'withdrawn')", name="state"),
        CheckConstraint(f"({OPEN}) = (closed_at IS NULL)", name="closed"),
        CheckConstraint("(extended_at IS NULL) = (extended_why IS NULL)", name="extended"),
        Index("ix_privacy_request_due_on", "due_on", postgresql_where=text(OPEN)),
        Index("ix_privacy_request_closed_at", "closed_at", postgresql_where=text("purged_at IS NULL")),
    )


class PrivacyRequestStep(Base):
    """One thing that was done about a request: who, when, what. ``note`` is personal, as above."""

    __tablename__ = "privacy_request_step"
    id: Mapped[bigint_id]
    request_id: Mapped[int] = mapped_column(ForeignKey("privacy_request.id"), index=True)
    at: Mapped[timestamp]
    step: Mapped[str] = mapped_column(Text)  # consent.policy.requests.Step
    staff_id: Mapped[int | None] = mapped_column(BigInteger)  # null: the person, or time
    note: Mapped[str] = mapped_column(Text, server_default="")
