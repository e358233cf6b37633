"""The sample company: Loriot & Finch, tea and coffee merchants of Lyon and Bristol."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from app.accounts.policy import Role
from app.accounts.services import staff
from app.brands.services import set_up
from app.brands.services.set_up import BrandDetails
from app.core import clock
from app.customers.services import fields
from consent.engine import scans
from consent.policy.paper import read
from consent.services import figures, forms, paper, topics
from consent.services.forms import FormSpec

ANA = "ana@permesso.example"

SCAN = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj trailer<</Root 1 0 R>>\n%%EOF\n"
)
WELCOME = {
    "welcome_subject": {"en": "Good to have you here", "fr": "Ravis de vous compter parmi nous"},
    "welcome_text": {
        "en": "Thank you for your confidence. The next letter comes at the beginning of the month.",
        "fr": "Merci de votre confiance. La prochaine lettre arrive au début du mois.",
    },
}


@dataclass(frozen=True)
class House:
    """One brand of the sample with what was set up for it."""

    brand_id: int
    sender_id: int
    newsletter: int
    offers: int
    language: str


@dataclass(frozen=True)
class Company:
    """The two houses."""

    loriot: House
    finch: House

    def of(self, language: str) -> House:
        """Return the house that writes to people of ``language``."""
        return self.loriot if language == "fr" else self.finch


def found(session: Session, var: Path) -> Company:
    """Set up the controller, its two brands, fields and staff.

    The password of the sample's administrator is new for every workspace and kept in
    ``var/secrets/sample_password``, readable by the owner alone.
    """
    set_up.set_controller(
        session,
        legal_name="Loriot & Finch SAS",
        registration="RCS Lyon 000 000 000",
        postal_address="12 rue des Tables Claudiennes, 69001 Lyon, France",
        contact_email="privacy@loriot.example",
        privacy_url="https://www.loriot.example/confidentialite",
    )
    set_up.ensure_relay(session)
    _staff(session, var)
    _fields(session)
    return Company(loriot=_loriot(session), finch=_finch(session))


def _staff(session: Session, var: Path) -> None:
    path = var / "secrets" / "sample_password"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    password = f"{secrets.token_hex(3)}-{secrets.token_hex(3)}-{secrets.token_hex(3)}"
    path.write_text(password)
    staff.create(session, ANA, "Ana Loriot", password, Role.ADMINISTRATOR, "en")
    for email, name, role, language in (
        ("marc@permesso.example", "Marc Tissot", Role.MARKETER, "fr"),
        ("wendy@permesso.example", "Wendy Finch", Role.ANALYST, "en"),
    ):
        staff.create(session, email, name, secrets.token_urlsafe(24), role, language)


def _fields(session: Session) -> None:
    fields.declare(session, "city", "text", {"en": "City", "fr": "Ville"})
    fields.declare(session, "birthday", "date", {"en": "Birthday", "fr": "Anniversaire"}, subscriber_may_edit=True)
    fields.declare(
        session,
        "taste",
        "choice",
        {"en": "Prefers", "fr": "Préfère"},
        choices=("tea", "coffee", "tableware"),
        personal=False,
        subscriber_may_edit=True,
    )
    fields.declare(session, "orders", "number", {"en": "Orders", "fr": "Commandes"}, personal=False)
    fields.declare(session, "spent", "money", {"en": "Spent", "fr": "Dépensé"}, personal=False)


def _loriot(session: Session) -> House:
    brand_id = set_up.create_brand(
        session,
        BrandDetails(
            name="Maison Loriot",
            postal_address="12 rue des Tables Claudiennes, 69001 Lyon, France",
            website="https://www.loriot.example",
            colour="#7a3b69",
            language="fr",
            profile="fr",
        ),
        slug="loriot",
    )
    sender_id = set_up.create_sender(
        session, brand_id, name="Maison Loriot", email="bonjour@loriot.example", reply_to="contact@loriot.example"
    )
    newsletter = topics.create(
        session,
        brand_id,
        {"fr": "Le carnet de la Maison", "en": "The house journal"},
        descriptions={
            "fr": "Une fois par mois : récoltes, recettes et rencontres.",
            "en": "Once a month: harvests, recipes and people.",
        },
        slug="carnet",
    )
    offers = topics.create(
        session,
        brand_id,
        {"fr": "Ventes privées", "en": "Private sales"},
        descriptions={"fr": "Quatre à six fois par an.", "en": "Four to six times a year."},
        slug="ventes-privees",
    )
    _form(session, "Inscription du site", brand_id, "Maison Loriot", (newsletter, offers), "loriot")
    return House(brand_id, sender_id, newsletter, offers, "fr")


def _finch(session: Session) -> House:
    brand_id = set_up.create_brand(
        session,
        BrandDetails(
            name="Finch & Co",
            postal_address="4 Christmas Steps, Bristol BS1 5BS, United Kingdom",
            website="https://www.finch.example",
            colour="#1f6f5c",
            language="en",
            time_zone="Europe/London",
            currency="GBP",
            profile="uk",
        ),
        slug="finch",
    )
    sender_id = set_up.create_sender(
        session, brand_id, name="Wendy at Finch & Co", email="hello@finch.example", reply_to="shop@finch.example"
    )
    newsletter = topics.create(
        session,
        brand_id,
        {"en": "The Finch letter", "fr": "La lettre de Finch"},
        descriptions={"en": "Once a month: new teas, brewing notes.", "fr": "Une fois par mois : thés et conseils."},
        slug="letter",
    )
    offers = topics.create(
        session,
        brand_id,
        {"en": "Offers", "fr": "Offres"},
        descriptions={"en": "When something good is reduced.", "fr": "Quand quelque chose de bon est en promotion."},
        slug="offers",
    )
    _form(session, "Website footer", brand_id, "Finch & Co", (newsletter, offers), "finch")
    return House(brand_id, sender_id, newsletter, offers, "en")


def _form(session: Session, name: str, brand_id: int, brand: str, topic_ids: tuple[int, ...], slug: str) -> None:
    texts = forms.default_texts(brand) | WELCOME
    spec = FormSpec(name, brand_id, topic_ids, reminds=True, welcomes=True, texts=texts)
    form_id = forms.create(session, spec, slug=slug)
    dice = random.Random(slug)
    for age in range(45):
        day = figures.day_of(clock.now()) - timedelta(days=age)
        for source, likely in (("", 34), ("instagram.example", 14), ("shop window", 4), ("tasting-evening", 3)):
            seen = dice.randrange(likely // 2, likely * 2)
            submitted = sum(dice.random() < 0.11 for _ in range(seen))
            confirmed = sum(dice.random() < 0.78 for _ in range(submitted))
            figures.add(session, form_id, day, source, seen=seen, submitted=submitted, confirmed=confirmed)
    _paper(session, form_id, topic_ids[0], slug)


def _paper(session: Session, form_id: int, topic_id: int, slug: str) -> None:
    """A list from a tasting evening, its scan an empty page."""
    scan = scans.keep(SCAN)
    sheet = paper.Sheet(
        form_id=form_id,
        topic_ids=(topic_id,),
        language="en",
        words="Yes, send me the letter once a month. I can unsubscribe in every e-mail.",
        signed_on=figures.day_of(clock.now()) - timedelta(days=20),
        place="Tasting evening",
        confirms=False,
        scan_sha256=scan.sha256,
        scan_type=scan.media_type,
        scan_size=scan.size,
        staff_id=1,  # Ana's is the first account
    )
    people, _unread = read(f"iris.{slug}@example.net, Iris, Hall\nowen.{slug}@example.net, Owen, Reed")
    paper.record(session, sheet, people)
