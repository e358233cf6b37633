"""Tables of the controller and its brands."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Controller(Base):
    """The one legal entity that this deployment serves (GDPR 4(7)); the table holds one row."""

    __tablename__ = "controller"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    legal_name: Mapped[str] = mapped_column(Text)
    registration: Mapped[str] = mapped_column(Text, server_default="")
    postal_address: Mapped[str] = mapped_column(Text)
    contact_email: Mapped[str] = mapped_column(Text)
    privacy_url: Mapped[str] = mapped_column(Text, server_default="")
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class Brand(Base):
    """A trading name. ``profile`` names the jurisdiction profile, ``tracking_default`` what holds for people who
    never said anything about tracking (no, under European profiles)."""

    __tablename__ = "brand"
    id: Mapped[bigint_id]
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    postal_address: Mapped[str] = mapped_column(Text)
    website: Mapped[str] = mapped_column(Text, server_default="")
    colour: Mapped[str] = mapped_column(Text, server_default="#3b5bdb")
    language: Mapped[str] = mapped_column(Text, server_default="en")
    time_zone: Mapped[str] = mapped_column(Text, server_default="Europe/Paris")
    currency: Mapped[str] = mapped_column(Text, server_default="EUR")
    profile: Mapped[str] = mapped_column(Text, server_default="eu")
    tracking_default: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[created]


class SendingDomain(Base):
    """A domain that mail is sent from and signed for."""

    __tablename__ = "sending_domain"
    id: Mapped[bigint_id]
    name: Mapped[str] = mapped_column(Text, unique=True)
    return_path: Mapped[str] = mapped_column(Text)
    created_at: Mapped[created]


class DkimKey(Base):
    """One signing key of a domain; the newest one not retired signs. The private key is sealed (app.core.secrets)."""

    __tablename__ = "dkim_key"
    id: Mapped[bigint_id]
    domain_id: Mapped[int] = mapped_column(ForeignKey("sending_domain.id", ondelete="CASCADE"))
    selector: Mapped[str] = mapped_column(Text)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    public_record: Mapped[str] = mapped_column(Text)
    created_at: Mapped[created]
    retired_at: Mapped[timestamp | None]
    __table_args__ = (UniqueConstraint("domain_id", "selector"),)


class Sender(Base):
    """A From identity of a brand."""

    __tablename__ = "sender"
    id: Mapped[bigint_id]
    brand_id: Mapped[int] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    domain_id: Mapped[int] = mapped_column(ForeignKey("sending_domain.id"))
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    reply_to: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[created]
    __table_args__ = (UniqueConstraint("brand_id", "email", "name"),)


class Relay(Base):
    """An SMTP server that a brand (or, ``brand_id`` null, every brand) sends through.

    ``url`` is sealed; null stands for SMTP_URL of the deployment. ``rate`` is messages a second, 0 for no limit.
    ``operator`` and ``country`` (ISO 3166) are for the register of processing: whoever relays mail receives data.
    """

    __tablename__ = "relay"
    id: Mapped[bigint_id]
    brand_id: Mapped[int | None] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    url: Mapped[bytes | None] = mapped_column(LargeBinary)
    rate: Mapped[int] = mapped_column(server_default="0")
    operator: Mapped[str] = mapped_column(Text, server_default="")
    country: Mapped[str] = mapped_column(Text, server_default="")
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[created]
    __table_args__ = (CheckConstraint("country ~ '^([A-Z]{2})?$'", name="country"),)
