"""Tables of the permission ledger, its evidence and its projections."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, timestamp

STATES = "'never_asked', 'pending', 'granted', 'withdrawn', 'expired'"
LEVELS = "'opt_out', 'passive', 'opt_in', 'confirmed'"
BASES = "'consent', 'soft_opt_in', 'charity_support', 'b2b_interest', 'implied_purchase', 'implied_inquiry'"


class PermissionEvent(Base):
    """One entry of the ledger: append-only (a trigger refuses UPDATE and DELETE), hash-chained per contact.

    ``subject`` is what the entry is about: ``topic`` (``topic_id``), ``tracking`` (``brand_id``), ``marketing`` (an
    objection, all brands), ``brand`` (a pause, ``brand_id``) or ``contact`` (merge, correction of address, erasure).
    ``hash`` is SHA-256 over ``prev_hash`` and the canonical form of the entry (``consent.policy.chain``); personal
    evidence stands outside the chain in ``permission_evidence``, which the entry names by its salted digest.
    """

    __tablename__ = "permission_event"
    id: Mapped[bigint_id]
    contact_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(Integer)
    at: Mapped[timestamp]  # when it happened, which an import may place years back
    recorded_at: Mapped[timestamp]  # when it was written here
    subject: Mapped[str] = mapped_column(Text)
    topic_id: Mapped[int | None] = mapped_column(BigInteger)
    brand_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(Text)  # consent.policy.standing.Action
    state: Mapped[str] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    basis: Mapped[str | None] = mapped_column(Text)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[timestamp | None]
    wording_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str | None] = mapped_column(Text)
    form_id: Mapped[int | None] = mapped_column(BigInteger)
    campaign_id: Mapped[int | None] = mapped_column(Integer)
    batch_id: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(Text)  # subscriber, staff, import, system
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    evidence_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (
        UniqueConstraint("contact_id", "seq"),
        Index("ix_permission_event_campaign_id", "campaign_id", postgresql_where=text("campaign_id IS NOT NULL")),
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint(f"level IN ({LEVELS})", name="level"),
        CheckConstraint(f"basis IN ({BASES})", name="basis"),
        CheckConstraint("subject IN ('topic', 'tracking', 'marketing', 'brand', 'contact')", name="subject"),
        CheckConstraint("actor IN ('subscriber', 'staff', 'import', 'system')", name="actor"),
        # What is hashed is joined by bars (consent.policy.chain), so no text in it may hold one.
        CheckConstraint("action ~ '^[a-z_]+$'", name="action"),
        CheckConstraint("language ~ '^[A-Za-z-]+$'", name="language"),
    )


class PermissionEvidence(Base):
    """What proves a ledger entry and is personal: destroyed by erasure, while the chain still verifies.

    The entry holds SHA-256 of ``salt`` and the canonical JSON of ``detail`` (``consent.policy.chain``).
    """

    __tablename__ = "permission_evidence"
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    detail: Mapped[dict[str, str]]  # email, ip, user_agent, page, source, evidence, wording, ...


class Permission(Base):
    """The projection of the ledger that SQL joins: the state of one topic for one contact, written with the ledger."""

    __tablename__ = "permission"
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    topic_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    basis: Mapped[str | None] = mapped_column(Text)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    since: Mapped[timestamp]
    expires_at: Mapped[timestamp | None]
    event_id: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        # All that the gates ask of one topic's permissions, in the order of contacts: a launch reads this index and not
        # the table, where other topics lie between.
        Index(
            "ix_permission_standing",
            "topic_id",
            "contact_id",
            postgresql_include=["state", "level", "basis", "address_key", "expires_at", "event_id"],
        ),
        Index(
            "ix_permission_expires_at",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL AND state IN ('pending', 'granted')"),
        ),
        CheckConstraint(f"state IN ({STATES})", name="state"),
    )


class TrackingPermission(Base):
    """Whether a contact may be tracked in mails of a brand; no row means the brand's default."""

    __tablename__ = "tracking_permission"
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    brand_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    granted: Mapped[bool]
    since: Mapped[timestamp]
    event_id: Mapped[int] = mapped_column(BigInteger)
