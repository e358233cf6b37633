"""Set up the controller, its brands, senders (with domain and DKIM key) and the deployment's relay."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.brands.models import Brand, Controller, DkimKey, Relay, Sender, SendingDomain
from app.brands.queries.profiles import profiles
from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.secrets import seal
from app.mail.dkim import generate_key
from app.mail.mime import domain_ascii

LANGUAGES = ("en", "fr")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def set_controller(
    session: Session,
    *,
    legal_name: str,
    postal_address: str,
    contact_email: str,
    registration: str = "",
    privacy_url: str = "",
) -> None:
    """Create or replace the one controller of this deployment. Raises ``InvalidInput``."""
    values = {
        "legal_name": _required(legal_name, "legal_name", "the legal name of the company or association"),
        "postal_address": _required(postal_address, "postal_address", "a postal address: every mail must show one"),
        "contact_email": _address(contact_email, "contact_email"),
        "registration": registration.strip(),
        "privacy_url": _web(privacy_url, "privacy_url"),
    }
    statement = insert(Controller).values(id=1, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


@dataclass(frozen=True)
class BrandDetails:
    """What a person says about a brand."""

    name: str
    postal_address: str
    website: str = ""
    colour: str = "#3b5bdb"
    language: str = "en"
    time_zone: str = "Europe/Paris"
    currency: str = "EUR"
    profile: str = "eu"
    tracking_default: bool = False


def create_brand(session: Session, details: BrandDetails, *, slug: str = "") -> int:
    """Create a brand and return its id. Raises ``InvalidInput`` naming the field that is wrong."""
    brand = Brand(slug=_free_slug(session, slug or details.name))
    _fill(brand, details)
    session.add(brand)
    session.flush()
    return brand.id


def update_brand(session: Session, brand_id: int, details: BrandDetails) -> None:
    """Change a brand; its slug stays, because links and commands use it. Raises ``InvalidInput``."""
    _fill(session.get_one(Brand, brand_id), details)
    session.flush()


def _fill(brand: Brand, details: BrandDetails) -> None:
    if not _COLOUR.fullmatch(details.colour):
        raise InvalidInput(f"{details.colour!r} is no colour: write it like #3b5bdb.", field="colour")
    if details.language not in LANGUAGES:
        raise InvalidInput(f"{details.language!r} is no language of the product: choose en or fr.", field="language")
    if details.time_zone not in clock.time_zones():
        raise InvalidInput(f"{details.time_zone!r} is no time zone: write it like Europe/Paris.", field="time_zone")
    if not _CURRENCY.fullmatch(details.currency):
        raise InvalidInput(f"{details.currency!r} is no currency: write three capitals like EUR.", field="currency")
    rules = profiles.get(details.profile)
    if details.tracking_default and rules is not None and rules.asks_first:
        raise InvalidInput(
            _("Under these rules nobody is measured who did not say yes, so this cannot be switched on."),
            field="tracking_default",
        )
    for name, value in asdict(details).items():
        setattr(brand, name, value)
    brand.name = _required(details.name, "name", "a name for the brand")
    brand.postal_address = _required(
        details.postal_address, "postal_address", "a postal address: every mail must show one"
    )
    brand.website = _web(details.website, "website")


def create_sender(session: Session, brand_id: int, *, name: str, email: str, reply_to: str = "") -> int:
    """Create a From identity and return its id; a new domain gets a return path and a DKIM key of 2048 bits."""
    clean = _address(email, "email")
    # A-labels: signatures, Message-IDs and DNS know no others (RFC 5891).
    domain_id = _ensure_domain(session, domain_ascii(clean.rpartition("@")[2]))
    sender = Sender(
        brand_id=brand_id,
        domain_id=domain_id,
        name=_required(name, "name", "the name that people see as the sender"),
        email=clean,
        reply_to=_address(reply_to, "reply_to") if reply_to.strip() else "",
    )
    session.add(sender)
    session.flush()
    return sender.id


def _ensure_domain(session: Session, name: str) -> int:
    found = session.scalar(select(SendingDomain.id).where(SendingDomain.name == name))
    if found is not None:
        return found
    # Bounces return to a name of their own, so that its MX can differ from the one for people's mail.
    domain = SendingDomain(name=name, return_path=f"bounces.{name}")
    session.add(domain)
    session.flush()
    pair = generate_key()
    session.add(
        DkimKey(
            domain_id=domain.id,
            selector=f"p{clock.now():%Y%m}",
            private_key=seal(pair.private_pem.encode()),
            public_record=pair.dns_txt,
        )
    )
    session.flush()
    return domain.id


def ensure_relay(session: Session) -> int:
    """Return the id of the relay that stands for SMTP_URL, making it when there is none."""
    found = session.scalar(select(Relay.id).where(Relay.brand_id.is_(None), Relay.url.is_(None)).limit(1))
    if found is not None:
        return found
    relay = Relay(name="SMTP_URL")
    session.add(relay)
    session.flush()
    return relay.id


def describe_relay(session: Session, relay_id: int, *, operator: str, country: str) -> None:
    """Say who runs a relay and in which country (ISO 3166), for the register of processing. Raises ``InvalidInput``."""
    row = session.get(Relay, relay_id)
    if row is None:
        raise NotFound(f"There is no relay with the number {relay_id}.")
    if country and not _COUNTRY.fullmatch(country):
        raise InvalidInput(f"{country!r} is no country: write its code like FR.", field="country")
    row.operator, row.country = operator.strip(), country
    session.flush()


def _required(value: str, field: str, what: str) -> str:
    clean = "\n".join(line.strip() for line in value.strip().splitlines())  # browsers send CR LF
    if not clean:
        raise InvalidInput(f"Something is missing: {what}.", field=field)
    return clean


def _address(value: str, field: str) -> str:
    try:
        return validate_email(value.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise InvalidInput(f"{value.strip()!r} is no e-mail address: {error}", field=field) from None


def _web(value: str, field: str) -> str:
    clean = value.strip()
    if clean and not re.match(r"https?://[^\s/]+", clean):
        raise InvalidInput(f"{clean!r} is no web address: it must begin with https://.", field=field)
    return clean


def _free_slug(session: Session, wish: str) -> str:
    """Return ``wish`` as lower-case ASCII words joined by hyphens, numbered when it is taken."""
    plain = unicodedata.normalize("NFKD", wish).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "brand"
    taken = set(session.scalars(select(Brand.slug).where(Brand.slug.startswith(slug))))
    candidates = (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
