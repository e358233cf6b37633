"""The controller and its brands, as frozen rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.brands.models import Brand, Controller
from app.core.errors import NotFound


@dataclass(frozen=True)
class BrandInfo:
    """A brand as other rooms see it."""

    id: int
    slug: str
    name: str
    postal_address: str
    website: str
    colour: str
    language: str
    time_zone: str
    currency: str
    profile: str
    tracking_default: bool


@dataclass(frozen=True)
class ControllerInfo:
    """The legal entity that answers for the data (GDPR 4(7))."""

    legal_name: str
    registration: str
    postal_address: str
    contact_email: str
    privacy_url: str


def _info(row: Brand) -> BrandInfo:
    return BrandInfo(
        id=row.id,
        slug=row.slug,
        name=row.name,
        postal_address=row.postal_address,
        website=row.website,
        colour=row.colour,
        language=row.language,
        time_zone=row.time_zone,
        currency=row.currency,
        profile=row.profile,
        tracking_default=row.tracking_default,
    )


def brand_table() -> Table:
    """The table of brands, for joins."""
    return cast(Table, Brand.__table__)


def all_brands(session: Session) -> list[BrandInfo]:
    """Return every brand, by name."""
    return [_info(row) for row in session.scalars(select(Brand).order_by(Brand.name))]


def brand(session: Session, brand_id: int) -> BrandInfo:
    """Return one brand. Raises ``NotFound``."""
    row = session.get(Brand, brand_id)
    if row is None:
        raise NotFound(f"There is no brand with the number {brand_id}.")
    return _info(row)


def by_slug(session: Session, slug: str) -> BrandInfo:
    """Return the brand called ``slug``. Raises ``NotFound``."""
    row = session.scalar(select(Brand).where(Brand.slug == slug))
    if row is None:
        known = ", ".join(session.scalars(select(Brand.slug).order_by(Brand.slug))) or "none yet"
        raise NotFound(f"There is no brand called {slug!r}. Brands: {known}.")
    return _info(row)


def controller(session: Session) -> ControllerInfo | None:
    """Return the controller of this deployment, or None before the first set-up."""
    row = session.get(Controller, 1)
    if row is None:
        return None
    return ControllerInfo(row.legal_name, row.registration, row.postal_address, row.contact_email, row.privacy_url)
