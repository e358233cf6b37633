"""Tables of the customer base."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Contact(Base):
    """A person. ``id`` is never rewritten.

    ``email`` is as given; ``email_key`` its normalised form (lower case, A-label domain; dots and plus are kept);
    ``address_key`` the HMAC of ``email_key`` (``app.core.secrets.address_key``), which suppression and permission
    join on. ``attributes`` holds declared fields, typed as the field dictionary says: numbers and booleans as JSON
    numbers and booleans, dates as ISO text.
    """

    __tablename__ = "contact"
    id: Mapped[bigint_id]
    email: Mapped[str | None] = mapped_column(Text)
    email_key: Mapped[str | None] = mapped_column(Text)
    address_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    domain: Mapped[str | None] = mapped_column(Text, Computed("split_part(email_key, '@', 2)", persisted=True))
    search: Mapped[str] = mapped_column(
        Text, Computed("lower(coalesce(email, '') || ' ' || first_name || ' ' || last_name)", persisted=True)
    )
    first_name: Mapped[str] = mapped_column(Text, server_default="")
    last_name: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text, server_default="")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[created]
    updated_at: Mapped[created]
    # As of when another system knew what is here, where an import told; None: as of ``updated_at``.
    known_at: Mapped[timestamp | None]
    batch_id: Mapped[int | None] = mapped_column(BigInteger)  # the import that added them
    objected_at: Mapped[timestamp | None]  # objection to marketing (GDPR 21): covers every brand and address
    complained_at: Mapped[timestamp | None]  # spam complaint: survives a change of address
    erased_at: Mapped[timestamp | None]
    # Who set the fields that were set since the contact was added (``policy.origins``).
    origins: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    # Found to be the same person as that contact, who stands for both; folded from ``contact_alias``.
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    merged_at: Mapped[timestamp | None]
    __table_args__ = (
        Index("uq_contact_email_key", "email_key", unique=True, postgresql_where=text("email_key IS NOT NULL")),
        Index("ix_contact_address_key", "address_key"),
        Index("ix_contact_domain", "domain"),
        Index("ix_contact_tags", "tags", postgresql_using="gin"),
        Index(
            "ix_contact_attributes",
            "attributes",
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
        ),
        Index(
            "ix_contact_search",
            "search",
            postgresql_using="gin",
            postgresql_ops={"search": "gin_trgm_ops"},
        ),
        CheckConstraint("(email_key IS NULL) = (address_key IS NULL)", name="address_key_with_email"),
        Index("ix_contact_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        CheckConstraint("(merged_into IS NULL) = (merged_at IS NULL)", name="merged_at_with_merged_into"),
        CheckConstraint("merged_into <> id", name="merged_into_another"),
    )


class ContactAlias(Base):
    """A merge: ``alias_id`` was found to be the same person as ``contact_id``; ``undone_at`` is set when it was taken
    back. ``changes`` are the fields of the kept contact that took another value: name → {"before", "after"}."""

    __tablename__ = "contact_alias"
    id: Mapped[bigint_id]
    alias_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    changes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    merged_at: Mapped[created]
    merged_by: Mapped[int | None] = mapped_column(BigInteger)
    undone_at: Mapped[timestamp | None]
    undone_by: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        Index("uq_contact_alias_alias_id", "alias_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        CheckConstraint("alias_id <> contact_id", name="another"),
    )


class ContactAddress(Base):
    """An earlier address of a contact, kept so that a late bounce or complaint finds the person."""

    __tablename__ = "contact_address"
    id: Mapped[bigint_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    email: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes] = mapped_column(LargeBinary, index=True)
    until: Mapped[created]


class ExternalId(Base):
    """What another system (a shop, an ERP) calls a contact."""

    __tablename__ = "external_id"
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)


class Field(Base):
    """One entry of the field dictionary: a typed custom field kept in ``contact.attributes`` under ``name``.

    ``label`` maps a language to text and can change at will, ``name`` never does; ``titles`` are other names that files
    have for it, former labels among them. ``choices`` lists the values of a choice field. ``origin`` says which system
    knows best; ``keep_days`` how long a value is kept (None: as long as the contact).
    """

    __tablename__ = "field"
    id: Mapped[bigint_id]
    name: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    label: Mapped[dict[str, str]]
    description: Mapped[str] = mapped_column(Text, server_default="")
    choices: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    personal: Mapped[bool] = mapped_column(server_default="true")
    subscriber_may_see: Mapped[bool] = mapped_column(server_default="false")
    subscriber_may_edit: Mapped[bool] = mapped_column(server_default="false")
    staff_may_edit: Mapped[bool] = mapped_column(server_default="true")
    origin: Mapped[str] = mapped_column(Text, server_default="")
    keep_days: Mapped[int | None]
    titles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    created_at: Mapped[created]
    __table_args__ = (
        CheckConstraint(
            "kind IN ('text', 'number', 'money', 'date', 'boolean', 'choice', 'choices', 'url', 'country', 'language')",
            name="kind",
        ),
        CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,62}$'", name="name"),
        CheckConstraint("keep_days > 0", name="keep_days"),
    )


class ContactProfile(Base):
    """What a contact did, folded from messages, events and orders; can be rebuilt, so nothing else writes it."""

    __tablename__ = "contact_profile"
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    opened_at: Mapped[timestamp | None]  # latest human open
    clicked_at: Mapped[timestamp | None]  # latest human click
    opens: Mapped[int] = mapped_column(server_default="0")  # human opens
    clicks: Mapped[int] = mapped_column(server_default="0")  # human clicks
    ordered_at: Mapped[timestamp | None]
    orders: Mapped[int] = mapped_column(server_default="0")
    order_value: Mapped[Decimal] = mapped_column(Numeric(14, 2), server_default="0")


class ImportBatch(Base):
    """One import: its file, how columns become fields, on which permission it stands, and how far it is."""

    __tablename__ = "import_batch"
    id: Mapped[bigint_id]
    status: Mapped[str] = mapped_column(Text, server_default="waiting")
    filename: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    mapping: Mapped[dict[str, str]]
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    topic_id: Mapped[int | None]
    level: Mapped[str | None] = mapped_column(Text)
    basis: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text, server_default="")
    dry_run: Mapped[bool] = mapped_column(server_default="false")
    size: Mapped[int] = mapped_column(BigInteger, server_default="0")  # bytes of the file
    position: Mapped[int] = mapped_column(BigInteger, server_default="0")  # bytes read
    line: Mapped[int] = mapped_column(BigInteger, server_default="0")  # lines read
    rows: Mapped[int] = mapped_column(server_default="0")
    added: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    permitted: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # permission not given: reason → people
    preview: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")  # a dry run's first changes
    undone: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # how far undoing is, and what it did
    error: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None]
    created_at: Mapped[created]
    started_at: Mapped[timestamp | None]
    finished_at: Mapped[timestamp | None]
    __table_args__ = (
        CheckConstraint(
            "status IN ('waiting', 'running', 'stopping', 'stopped', 'done', 'failed', 'undoing', 'undone')",
            name="status",
        ),
    )


class ImportChange(Base):
    """What an import changed about a contact who was known before: name → [before, after], and when it did so last.

    It is kept as long as the import can be undone.
    """

    __tablename__ = "import_change"
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    changes: Mapped[dict[str, Any]]
    at: Mapped[timestamp]
    __table_args__ = (Index("ix_import_change_contact_id", "contact_id"),)


class ImportReject(Base):
    """A row that an import refused, with the reason. ``row`` is a JSON list of its cells."""

    __tablename__ = "import_reject"
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    column: Mapped[str] = mapped_column(Text, server_default="")
    reason: Mapped[str] = mapped_column(Text)
    row: Mapped[str] = mapped_column(Text)


class Duplicate(Base):
    """Two contacts who may be one person, as the last look over the base found, ``low_id`` the older one.

    ``kinds`` say why (``customers.policy.duplicates.Kind``). ``dismissed_at``: staff said they are two people.
    """

    __tablename__ = "duplicate"
    low_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    high_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    dismissed_at: Mapped[timestamp | None]
    dismissed_by: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_duplicate_high_id", "high_id"), CheckConstraint("low_id < high_id", name="order"))


class QualityFigure(Base):
    """What the last look over the base counted for one check: people, and the segment that they are."""

    __tablename__ = "quality_figure"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    people: Mapped[int]
    definition: Mapped[dict[str, Any] | None]
    counted_at: Mapped[timestamp]
    ms: Mapped[int]


class ContactNote(Base):
    """What staff wrote down about a contact. The person may ask to see it, so it is in their export."""

    __tablename__ = "contact_note"
    id: Mapped[bigint_id]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[created]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_contact_note_contact_id_created_at", "contact_id", "created_at"),)
