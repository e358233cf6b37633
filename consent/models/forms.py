"""Tables of sign-up forms, the exact words they show, and the requests that come in by them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


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
    disposable: Mapped[str] = mapped_column(Text, server_default="allow")  # addresses for minutes: or warn, refuse
    age_country: Mapped[str] = mapped_column(Text, server_default="")  # whose age of consent is asked for, if any
    reminds: Mapped[bool] = mapped_column(server_default="false")  # once, who did not confirm
    welcomes: Mapped[bool] = mapped_column(server_default="false")  # by a mail, who confirmed
    created_at: Mapped[created]
    __table_args__ = (CheckConstraint("disposable IN ('allow', 'warn', 'refuse')", name="disposable"),)


class Wording(Base):
    """The exact text that a person agreed to, by purpose, language and version; never changed, only succeeded."""

    __tablename__ = "wording"
    id: Mapped[bigint_id]
    form_id: Mapped[int | None] = mapped_column(ForeignKey("form.id"))
    kind: Mapped[str] = mapped_column(Text)  # consent.queries.forms.KINDS, notice_shown, preferences, ...
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
    mailbox_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # consent.policy.bombing
    domain: Mapped[str] = mapped_column(Text)
    topic_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    tracking: Mapped[bool] = mapped_column(server_default="false")
    language: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    page: Mapped[str] = mapped_column(Text, server_default="")
    source: Mapped[str] = mapped_column(Text, server_default="")  # what ?source= named
    referrer: Mapped[str] = mapped_column(Text, server_default="")  # host of the site that led here
    wordings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # kind to wording id, as shown
    fields: Mapped[dict[str, str]] = mapped_column(server_default="{}")  # written on the contact once confirmed
    # A child's address, when ``email`` is that of the parent who is asked first (consent.services.parents).
    minor_email: Mapped[str | None] = mapped_column(Text)
    minor_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    statements: Mapped[dict[str, str]] = mapped_column(server_default="{}")  # of age and parents; become evidence
    created_at: Mapped[created]
    mailed_at: Mapped[timestamp | None]
    reminded_at: Mapped[timestamp | None]
    reminder_settled: Mapped[bool] = mapped_column(server_default="false")  # decided about, whatever the answer
    confirmed_at: Mapped[timestamp | None]
    expires_at: Mapped[timestamp]
    __table_args__ = (
        Index("ix_sign_up_address_key_created_at", "address_key", "created_at"),
        Index("ix_sign_up_mailbox_key_created_at", "mailbox_key", "created_at"),
        Index("ix_sign_up_ip_created_at", "ip", "created_at"),
        Index("ix_sign_up_domain_created_at", "domain", "created_at"),
        Index("ix_sign_up_form_id_created_at", "form_id", "created_at"),
        Index(
            "ix_sign_up_mailed_at",
            "mailed_at",
            postgresql_where=text("confirmed_at IS NULL AND NOT reminder_settled"),
        ),
    )


class FormFigure(Base):
    """How often a form was seen, sent in and confirmed, by day (UTC) and source. Counts alone, nothing personal.

    ``confirmed`` counts on the day the request was sent in, so that a rate compares the same people.
    """

    __tablename__ = "form_figure"
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)  # empty: directly
    seen: Mapped[int] = mapped_column(server_default="0")
    submitted: Mapped[int] = mapped_column(server_default="0")
    confirmed: Mapped[int] = mapped_column(server_default="0")
