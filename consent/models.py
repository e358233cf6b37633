"""Tables of permission: topics, the ledger, its projection, sign-up and suppression."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp

STATES = "'never_asked', 'pending', 'granted', 'withdrawn', 'expired'"
LEVELS = "'opt_out', 'passive', 'opt_in', 'confirmed'"
BASES = "'consent', 'soft_opt_in', 'b2b_interest', 'implied_purchase', 'implied_inquiry'"


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


class Form(Base):
    """A hosted sign-up form. Its texts live in ``wording``; changing them makes a new version there."""

    __tablename__ = "form"
    id: Mapped[bigint_id]
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    topic_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    asks_tracking: Mapped[bool] = mapped_column(server_default="true")
    redirect_url: Mapped[str] = mapped_column(Text, server_default="")
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[created]


class Wording(Base):
    """The exact text that a person agreed to, by purpose, language and version; never changed, only succeeded."""

    __tablename__ = "wording"
    id: Mapped[bigint_id]
    form_id: Mapped[int | None] = mapped_column(ForeignKey("form.id"))
    kind: Mapped[str] = mapped_column(Text)  # consent, tracking, title, thanks, ...
    language: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[created]
    __table_args__ = (UniqueConstraint("form_id", "kind", "language", "version", postgresql_nulls_not_distinct=True),)


class SignUp(Base):
    """A request for permission that waits for its confirmation (double opt-in): one mail for all its topics.

    Anybody can type an address, so somebody unknown becomes a contact only by confirming; until then they are this
    row alone (``contact_id`` null), which is purged when it was not confirmed.
    """

    __tablename__ = "sign_up"
    id: Mapped[bigint_id]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id"))
    email: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes] = mapped_column(LargeBinary)
    domain: Mapped[str] = mapped_column(Text)
    topic_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    tracking: Mapped[bool] = mapped_column(server_default="false")
    language: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    page: Mapped[str] = mapped_column(Text, server_default="")
    wordings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # kind to wording id, as shown
    fields: Mapped[dict[str, str]] = mapped_column(server_default="{}")  # written on the contact once confirmed
    created_at: Mapped[created]
    mailed_at: Mapped[timestamp | None]
    confirmed_at: Mapped[timestamp | None]
    expires_at: Mapped[timestamp]
    __table_args__ = (
        Index("ix_sign_up_address_key_created_at", "address_key", "created_at"),
        Index("ix_sign_up_ip_created_at", "ip", "created_at"),
        Index("ix_sign_up_domain_created_at", "domain", "created_at"),
    )


class PermissionEvent(Base):
    """One entry of the ledger: append-only (a trigger refuses UPDATE and DELETE), hash-chained per contact.

    ``subject`` is what the entry is about: ``topic`` (``topic_id``), ``tracking`` (``brand_id``), ``marketing`` (an
    objection, all brands) or ``contact`` (merge, correction of address, erasure). ``hash`` is SHA-256 over
    ``prev_hash`` and the canonical form of the entry (``consent.policy.chain``); personal evidence stands outside the
    chain in ``permission_evidence``, which the entry names by its salted digest.
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
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint(f"level IN ({LEVELS})", name="level"),
        CheckConstraint(f"basis IN ({BASES})", name="basis"),
        CheckConstraint("subject IN ('topic', 'tracking', 'marketing', 'contact')", name="subject"),
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
        Index(
            "ix_permission_topic_id_contact_id", "topic_id", "contact_id", postgresql_where=text("state = 'granted'")
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


class Suppression(Base):
    """An address, domain or pattern that is not written to, whatever the ledger says, until ``until`` or lifted."""

    __tablename__ = "suppression"
    id: Mapped[bigint_id]
    kind: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    value: Mapped[str | None] = mapped_column(Text)  # domain or pattern, in clear
    reason: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text, server_default="all")
    brand_id: Mapped[int | None] = mapped_column(BigInteger)
    topic_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text, server_default="")
    until: Mapped[timestamp | None]
    created_at: Mapped[created]
    lifted_at: Mapped[timestamp | None]
    __table_args__ = (
        CheckConstraint("kind IN ('address', 'domain', 'pattern')", name="kind"),
        CheckConstraint("scope IN ('all', 'brand', 'topic')", name="scope"),
        CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'objection', 'erasure', 'manual', 'import')",
            name="reason",
        ),
        CheckConstraint("(kind = 'address') = (address_key IS NOT NULL)", name="address"),
        Index("ix_suppression_address_key", "address_key", postgresql_where=text("lifted_at IS NULL")),
        Index("ix_suppression_value", "value", postgresql_where=text("lifted_at IS NULL AND value IS NOT NULL")),
    )
