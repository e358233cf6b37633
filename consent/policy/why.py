"""Why somebody gets a mail, said in the mail's language: on what ground, about what, since when and from where.

The first mail to somebody whose data did not come from themselves says also where it came from (GDPR 14(1)–(2)).
These are words of mails, so they do not stand in the catalogue of the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date

from consent.policy.ladder import Basis
from consent.policy.standing import Action, Actor


@dataclass(frozen=True, slots=True)
class Grounds:
    """The ledger entry that a mail stands on, as far as its reader is told. ``source`` is what an import or staff
    stated; ``form_id`` the form that was filled in."""

    action: str
    actor: str
    basis: str | None
    at: datetime
    form_id: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a mail is about. ``rights`` says where one reads, or asks, about the data and one's rights."""

    topic: str
    brand: str
    time_zone: str
    rights: str


_WHY: Mapping[str, Mapping[str, str]] = {
    "en": {
        "": "You receive this e-mail because you agreed to “{topic}” from {brand}.",
        "confirmed": "You receive this e-mail because on {day}{place} you confirmed “{topic}” from {brand}.",
        "agreed": "You receive this e-mail because on {day}{place} you agreed to “{topic}” from {brand}.",
        "imported": "You receive this e-mail because you agreed to “{topic}” from {brand}, "
        "as we have on record since {day}{place}.",
        "soft_opt_in": "You receive this e-mail because you are a customer of {brand} and did not refuse news about "
        "similar goods and services, as we have on record since {day}{place}.",
        "charity_support": "You receive this e-mail because you support {brand} and did not refuse to hear from us, "
        "as we have on record since {day}{place}.",
        "b2b_interest": "You receive this e-mail because “{topic}” from {brand} concerns your work, "
        "as we have on record since {day}{place}.",
        "implied_purchase": "You receive this e-mail because you bought from {brand}, "
        "as we have on record since {day}{place}.",
        "implied_inquiry": "You receive this e-mail because you made an inquiry at {brand}, "
        "as we have on record since {day}{place}.",
        "form": " at {name}",
        "source": " ({name})",
        "first": "This is our first e-mail to you. We have your address from: {source}. "
        "What we do with your data, and your rights: {rights}",
    },
    "fr": {
        "": "Vous recevez cet e-mail car vous avez accepté « {topic} » de {brand}.",
        "confirmed": "Vous recevez cet e-mail car le {day}{place} vous avez confirmé « {topic} » de {brand}.",
        "agreed": "Vous recevez cet e-mail car le {day}{place} vous avez accepté « {topic} » de {brand}.",
        "imported": "Vous recevez cet e-mail car vous avez accepté « {topic} » de {brand}, "
        "comme nous l’avons enregistré le {day}{place}.",
        "soft_opt_in": "Vous recevez cet e-mail car vous êtes client de {brand} et n’avez pas refusé de nouvelles de "
        "produits et services similaires, comme nous l’avons enregistré le {day}{place}.",
        "charity_support": "Vous recevez cet e-mail car vous soutenez {brand} et n’avez pas refusé de nos nouvelles, "
        "comme nous l’avons enregistré le {day}{place}.",
        "b2b_interest": "Vous recevez cet e-mail car « {topic} » de {brand} concerne votre métier, "
        "comme nous l’avons enregistré le {day}{place}.",
        "implied_purchase": "Vous recevez cet e-mail car vous avez acheté chez {brand}, "
        "comme nous l’avons enregistré le {day}{place}.",
        "implied_inquiry": "Vous recevez cet e-mail car vous vous êtes adressé à {brand}, "
        "comme nous l’avons enregistré le {day}{place}.",
        "form": " sur {name}",
        "source": " ({name})",
        "first": "Ceci est notre premier e-mail. Votre adresse nous vient de : {source}. "
        "Ce que nous faisons de vos données, et vos droits : {rights}",
    },
}


@lru_cache(maxsize=8192)
def why(language: str, matter: Matter, grounds: Grounds | None, place: str = "", *, first: bool = False) -> str:
    """Return why a reader gets a mail; ``grounds`` None when nothing more is known than that they agreed.

    ``place`` is where the form of the grounds is; ``first`` tells that no mail was sent before to somebody whose
    address was imported. People share dates, forms and sources, so sentences are kept for the next of them.
    """
    texts = _WHY.get(language, _WHY["en"])
    if grounds is None:
        return texts[""].format(topic=matter.topic, brand=matter.brand)
    named = texts["form"].format(name=place) if place else ""
    if not named and grounds.source:
        named = texts["source"].format(name=_one_line(grounds.source))
    day = _day(grounds.at.astimezone(ZoneInfo(matter.time_zone)), language)
    said = texts[_reason(grounds)].format(topic=matter.topic, brand=matter.brand, day=day, place=named)
    if not first:
        return said
    return f"{said} {texts['first'].format(source=_one_line(grounds.source), rights=matter.rights)}"


def _reason(grounds: Grounds) -> str:
    if grounds.basis is not None and grounds.basis != Basis.CONSENT:
        return grounds.basis
    if grounds.actor == Actor.IMPORT:
        return "imported"
    return "confirmed" if grounds.action == Action.CONFIRM else "agreed"


def _day(at: datetime, language: str) -> str:
    return format_date(at.date(), "long", locale="fr" if language == "fr" else "en_GB")


def _one_line(text: str) -> str:
    """A source as staff wrote it, short and on one line, without a stop of its own."""
    return " ".join(text.split())[:200].rstrip(". ")
