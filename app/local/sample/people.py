"""Five thousand people who never lived, with what they bought and what they allowed, from a fixed seed."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

FRENCH = {
    "first": (
        "Camille Léa Manon Chloé Inès Jade Louise Emma Alice Juliette Zoé Margaux Anaïs Élise Noémie Clémence Agathe "
        "Mathilde Hélène Sylvie Lucas Hugo Gabriel Léo Raphaël Arthur Louis Jules Adam Maël Étienne François Benoît "
        "Olivier Thierry Rémi Gaël Loïc Mehdi Karim Aïcha Fatou Thảo Inès Yann Cécile Aurélie Florian Bastien Théo"
    ).split(),
    "last": (
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
        "David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François "
        "Martinez Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Nicolas Perrin Morin Mathieu "
        "Clément Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gérard Nguyen Boyer Denis Lemaire"
    ).split(),
    "cities": (
        "Lyon Paris Marseille Toulouse Nantes Bordeaux Lille Rennes Grenoble Annecy Dijon Strasbourg Montpellier Tours"
    ).split(),
    "domains": ("courriel.example", "poste.example", "example.org", "bureau.example", "example.net"),
}
ENGLISH = {
    "first": (
        "Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Grace Poppy Ella Evie Charlotte "
        "Harriet Noah Oliver George Arthur Muhammad Leo Harry Oscar Archie Henry Theodore Jack Thomas Alfie Priya "
        "Anjali Kofi Siobhán Niamh Rhys Owen Callum Fiona Hamish Imogen Zara Toby Edith Beatrice Ruby Nia Wendy"
    ).split(),
    "last": (
        "Smith Jones Williams Taylor Davies Brown Wilson Evans Thomas Johnson Roberts Walker Wright Robinson Thompson "
        "White Hughes Edwards Green Hall Wood Harris Lewis Martin Jackson Clarke Clark Turner Hill Scott Cooper Morris "
        "Ward Moore King Watson Baker Harrison Morgan Patel Young Allen Mitchell James Anderson Phillips Lee Bell "
        "Parker O'Neill Okafor Singh Khan MacLeod Fitzgerald"
    ).split(),
    "cities": "Bristol London Bath Cardiff Manchester Leeds York Edinburgh Oxford Cambridge Brighton Exeter".split(),
    "domains": ("mail.example", "post.example", "example.com", "office.example", "example.net"),
}
FORM = "Website form"
SOURCES = (
    ("Shop checkout", 46),
    (FORM, 28),
    ("Tasting evening, paper list", 9),
    ("Christmas market", 7),
    ("Former mailing tool", 10),
)
TASTES = (("tea", 44), ("coffee", 31), ("tableware", 25))


@dataclass(frozen=True)
class Person:
    """One sample contact. ``allowed`` maps a topic slug to how its history ends (see ``history``)."""

    number: int
    email: str
    first_name: str
    last_name: str
    language: str
    country: str
    city: str
    source: str
    taste: str
    birthday: date | None
    joined_at: datetime
    orders: int
    spent: Decimal
    newsletter: str
    offers: str
    tracking: bool | None
    liveliness: float  # how probable it is that this person opens a mail, 0 to 1


def people(count: int, now: datetime, *, seed: int = 7) -> list[Person]:
    """Return ``count`` people; about three in five are French."""
    dice = random.Random(seed)
    return [_person(number, now, dice) for number in range(1, count + 1)]


def _person(number: int, now: datetime, dice: random.Random) -> Person:
    french = dice.random() < 0.6
    culture = FRENCH if french else ENGLISH
    first, last = dice.choice(culture["first"]), dice.choice(culture["last"])
    joined_at = now - timedelta(days=20 + 900 * dice.random() ** 1.4, seconds=dice.randrange(86400))
    source = _weighted(SOURCES, dice)
    if source == FORM and joined_at < now - timedelta(days=200):
        source = "Former mailing tool"  # the form opened when the company changed its tool
    orders = min(int(dice.expovariate(0.55)), 14) if dice.random() < 0.72 else 0
    return Person(
        number=number,
        email=f"{_plain(first)}.{_plain(last)}{number}@{dice.choice(culture['domains'])}",
        first_name=first if dice.random() < 0.94 else "",
        last_name=last,
        language="fr" if french else "en",
        country=("FR" if dice.random() < 0.93 else "BE") if french else ("GB" if dice.random() < 0.9 else "IE"),
        city=dice.choice(culture["cities"]),
        source=source,
        taste=_weighted(TASTES, dice),
        birthday=_birthday(dice) if dice.random() < 0.4 else None,
        joined_at=joined_at,
        orders=orders,
        spent=sum((Decimal(dice.randrange(1200, 9800)) / 100 for _ in range(orders)), Decimal(0)),
        newsletter=_weighted(ENDINGS, dice),
        offers=_weighted(OFFERS, dice),
        tracking=_tracking(dice),
        liveliness=dice.betavariate(1.3, 2.1),
    )


# How a permission history ends, in percent.
ENDINGS = (("granted", 78), ("withdrawn", 9), ("pending", 5), ("expired", 2), ("never", 6))
OFFERS = (("granted", 41), ("withdrawn", 6), ("pending", 2), ("never", 51))


def _tracking(dice: random.Random) -> bool | None:
    """Most who are asked say yes; many were never asked, which under European law means no."""
    draw = dice.random()
    return True if draw < 0.62 else False if draw < 0.75 else None


def _birthday(dice: random.Random) -> date:
    return date(1945, 1, 1) + timedelta(days=dice.randrange(365 * 58))


def _weighted(choices: tuple[tuple[str, int], ...], dice: random.Random) -> str:
    return dice.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in folded if letter.isalnum())
