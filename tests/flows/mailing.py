"""A mailing through the whole product by its commands: people from a file, a campaign to a segment of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.brands.services.set_up import BrandDetails, create_brand, create_sender, ensure_relay, set_controller
from app.core import config, db
from app.core.config import Settings
from app.core.db import unit_of_work
from consent.services import topics
from tests.flows.product import Product

BRAND, TOPIC, SENDER = "camellia", "letter", "letters@tea.example"
EVERYBODY: dict[str, Any] = {"all": []}


@contextmanager
def at_home(product: Product) -> Iterator[None]:
    """Let this process work in the product's deployment, as one of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "BASE_URL", "SECRET_KEY", "SUPPRESSION_KEY", "PORT"):
            patch.delenv(name, raising=False)
        for name, value in product.environment.items():
            patch.setenv(name, value)
        patch.setattr(config, "_current", Settings.from_env())
        patch.setattr(db, "_engine", None)
        db.connect(config.current().database_url)
        yield
        db.engine().dispose()


def set_up(*, accepts: Sequence[str] = ("consent@confirmed",)) -> None:
    """Make a controller, a brand with its sender, and a topic for which ``accepts`` suffices."""
    address = "1 rue de l'Exemple, 75001 Paris"
    with unit_of_work() as session:
        set_controller(session, legal_name="Tea Example SAS", postal_address=address, contact_email="dpo@tea.example")
        brand_id = create_brand(session, BrandDetails(name="Camellia", postal_address=address), slug=BRAND)
        create_sender(session, brand_id, name="Camellia", email=SENDER)
        ensure_relay(session)
        topics.create(session, brand_id, "Tea letter", slug=TOPIC, accepts={"eu": list(accepts)})


def import_people(product: Product, file: Path, *, level: str = "confirmed", source: str, evidence: str) -> Any:
    """Import ``file`` with consent to the topic; columns without a field are declared. Returns what it printed."""
    terms = ("--topic", TOPIC, "--level", level, "--basis", "consent", "--source", source, "--evidence", evidence)
    return product.flask("contacts", "import", str(file), "--declare", *terms)


def create(product: Product, folder: Path, definition: dict[str, Any] = EVERYBODY, starter: str = "letter") -> int:
    """Draft a campaign with a starter's design to a segment; returns its id."""
    described = {
        "name": "First flush",
        "brand": BRAND,
        "topic": TOPIC,
        "sender": SENDER,
        "include": [{"name": "Readers", "definition": definition}],
        "content": {"en": {"subject": "The first flush is here", "starter": starter}},
    }
    file = folder / "campaign.json"
    file.write_text(json.dumps(described))
    return int(product.flask("campaigns", "create", str(file))["id"])


def status(campaign_id: int) -> str:
    """Return a campaign's status."""
    with unit_of_work() as session:
        return str(session.scalar(text("SELECT status FROM campaign WHERE id = :id"), {"id": campaign_id}))


def states(campaign_id: int) -> dict[str, str]:
    """Return the state of every message of a campaign, by the address."""
    query = "SELECT c.email, m.state FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.campaign_id = :id"
    with unit_of_work() as session:
        return {row.email: row.state for row in session.execute(text(query), {"id": campaign_id})}
