"""How a brand sends: its From identities, their signing keys and its relays."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.brands.models import DkimKey, Relay, Sender, SendingDomain
from app.core import config
from app.core.errors import EngineUnavailable, NotFound
from app.core.secrets import unseal


@dataclass(frozen=True)
class SenderInfo:
    """A From identity as lists show it."""

    id: int
    brand_id: int
    name: str
    email: str
    reply_to: str
    domain: str


@dataclass(frozen=True)
class DomainInfo:
    """A sending domain with the DNS record that publishes its newest key."""

    id: int
    name: str
    return_path: str
    selector: str
    dkim_record: str


@dataclass(frozen=True)
class SendingIdentity:
    """All that is needed to write and sign mail from one sender. Never log it: it holds the private key."""

    sender_id: int
    brand_id: int
    from_name: str
    from_email: str
    reply_to: str
    domain: str
    return_path_domain: str
    selector: str
    private_key_pem: bytes = field(repr=False)
    dkim_record: str


@dataclass(frozen=True)
class RelayInfo:
    """An SMTP relay. ``url`` may hold a password: never log it. ``rate`` is messages a second, 0 for no limit."""

    id: int
    name: str
    url: str = field(repr=False)
    rate: int


@dataclass(frozen=True)
class RelayFacts:
    """What people know of a relay. ``host`` is blank when it has none at present; ``local`` is this very machine."""

    id: int
    brand_id: int | None
    name: str
    host: str
    operator: str
    country: str
    local: bool


def senders(session: Session, brand_id: int | None = None) -> list[SenderInfo]:
    """Return the senders of a brand, or of all brands."""
    query = (
        select(Sender.id, Sender.brand_id, Sender.name, Sender.email, Sender.reply_to, SendingDomain.name)
        .join(SendingDomain, SendingDomain.id == Sender.domain_id)
        .order_by(Sender.brand_id, Sender.id)
    )
    if brand_id is not None:
        query = query.where(Sender.brand_id == brand_id)
    return [SenderInfo(*row) for row in session.execute(query)]


def domains(session: Session) -> list[DomainInfo]:
    """Return every sending domain with its newest key, by name."""
    query = (
        select(SendingDomain.id, SendingDomain.name, SendingDomain.return_path, DkimKey.selector, DkimKey.public_record)
        .join(DkimKey, DkimKey.domain_id == SendingDomain.id)
        .where(DkimKey.retired_at.is_(None))
        .ext(distinct_on(SendingDomain.id))
        .order_by(SendingDomain.id, DkimKey.id.desc())
    )
    return sorted((DomainInfo(*row) for row in session.execute(query)), key=lambda domain: domain.name)


def identity(session: Session, sender_id: int) -> SendingIdentity:
    """Return the identity of one sender. Raises ``NotFound``."""
    found = _identity(session, Sender.id == sender_id)
    if found is None:
        raise NotFound(f"There is no sender with the number {sender_id}, or its domain has no signing key.")
    return found


def default_identity(session: Session, brand_id: int) -> SendingIdentity:
    """Return the identity that writes a brand's system mails: its first sender. Raises ``NotFound``."""
    found = _identity(session, Sender.brand_id == brand_id)
    if found is None:
        raise NotFound("This brand has no sender yet: add one under Settings, Senders.")
    return found


def _identity(session: Session, condition: ColumnElement[bool]) -> SendingIdentity | None:
    """Return the first sender that meets ``condition``, with the newest key of its domain."""
    row = session.execute(
        select(Sender, SendingDomain, DkimKey)
        .join(SendingDomain, SendingDomain.id == Sender.domain_id)
        .join(DkimKey, DkimKey.domain_id == SendingDomain.id)
        .where(condition, DkimKey.retired_at.is_(None))
        .order_by(Sender.id, DkimKey.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    sender, domain, key = row
    return SendingIdentity(
        sender_id=sender.id,
        brand_id=sender.brand_id,
        from_name=sender.name,
        from_email=sender.email,
        reply_to=sender.reply_to,
        domain=domain.name,
        return_path_domain=domain.return_path,
        selector=key.selector,
        private_key_pem=unseal(key.private_key),
        dkim_record=key.public_record,
    )


def relay(session: Session, brand_id: int) -> RelayInfo:
    """Return the relay that a brand sends through: its own one first, else the deployment's.

    Raises ``NotFound`` when no active relay serves the brand.
    """
    row = session.execute(
        select(Relay)
        .where(Relay.active, (Relay.brand_id == brand_id) | Relay.brand_id.is_(None))
        .order_by(Relay.brand_id.nulls_last(), Relay.id)
        .limit(1)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound("No relay serves this brand: add one under Settings, Relays, or set SMTP_URL.")
    return _relay_info(row)


def relay_by_id(session: Session, relay_id: int) -> RelayInfo:
    """Return one relay. Raises ``NotFound``."""
    row = session.get(Relay, relay_id)
    if row is None:
        raise NotFound(f"There is no relay with the number {relay_id}.")
    return _relay_info(row)


def relays(session: Session) -> list[RelayFacts]:
    """Return the active relays, those of every brand first."""
    rows = session.scalars(select(Relay).where(Relay.active).order_by(Relay.brand_id.nulls_first(), Relay.id))
    return [_facts(row) for row in rows]


def _facts(row: Relay) -> RelayFacts:
    parts = urlsplit(unseal(row.url).decode() if row.url is not None else config.current().smtp_url)
    host = parts.hostname or ""
    shown = f"{host}:{parts.port or 25}" if host else ""
    return RelayFacts(row.id, row.brand_id, row.name, shown, row.operator, row.country, _loopback(host))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _relay_info(row: Relay) -> RelayInfo:
    url = unseal(row.url).decode() if row.url is not None else config.current().smtp_url
    if not url:
        raise EngineUnavailable("No SMTP server is known: set SMTP_URL, or start everything with `make run`.")
    return RelayInfo(row.id, row.name, url, row.rate)
