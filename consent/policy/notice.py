"""What a form tells before it asks: who, what for, on what ground, how long, and which rights (GDPR 13).

A form's notice is a text with names in braces; what stands for them comes from the controller, the brand and the
topics, so that a change of address reaches every form. The text as it was shown is what a proof keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from app.core.errors import InvalidInput

NAMES = ("controller", "brand", "purposes", "contact", "address", "privacy")
REQUIRED = ("controller", "contact")  # GDPR 13(1)(a)
PURPOSES: Mapping[str, Mapping[str, str]] = {
    "marketing": {"en": "offers and products", "fr": "offres et produits"},
    "newsletter": {"en": "editorial news", "fr": "actualités et articles"},
    "events": {"en": "invitations to events", "fr": "invitations à des événements"},
    "fundraising": {"en": "fundraising and membership", "fr": "collecte de dons et adhésion"},
}
DEFAULT: Mapping[str, str] = {
    "en": "{controller} uses your address only to send you, in the name of {brand}, what you choose here "
    "({purposes}). The legal ground is your consent (article 6(1)(a) GDPR): nothing obliges you to give it, and you "
    "can withdraw it at any time by the link in every e-mail. We keep your data until you withdraw it, and after that "
    "only what proves that you had agreed and that you no longer do. Requests that nobody confirms are deleted within "
    "40 days. Only the providers who send e-mails for us receive your address.\n"
    "You can ask to see, correct, take with you or erase your data, have its use restricted, object, and complain to "
    "your data protection authority. Contact: {contact}, {address}. {privacy}",
    "fr": "{controller} utilise votre adresse uniquement pour vous envoyer, au nom de {brand}, ce que vous choisissez "
    "ici ({purposes}). La base légale est votre consentement (article 6, paragraphe 1, point a, du RGPD) : rien ne "
    "vous oblige à le donner, et vous pouvez le retirer à tout moment par le lien présent dans chaque e-mail. Nous "
    "gardons vos données jusqu’à ce retrait, et ensuite seulement ce qui prouve votre accord et sa fin. Les demandes "
    "que personne ne confirme sont effacées dans les 40 jours. Seuls les prestataires qui envoient des e-mails pour "
    "nous reçoivent votre adresse.\n"
    "Vous pouvez demander à consulter, corriger, emporter ou effacer vos données, en faire limiter l’usage, vous "
    "opposer, et saisir votre autorité de protection des données (en France, la CNIL). Contact : {contact}, "
    "{address}. {privacy}",
}
_PRIVACY = {"en": "Privacy notice: {url}", "fr": "Politique de confidentialité : {url}"}
_LINK = re.compile(r"https?://[^\s<>()]+[^\s<>().,;:!?]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Facts:
    """What the names stand for. ``purposes`` are those of the topics on the form; ``privacy_url`` may be empty."""

    controller: str
    brand: str
    purposes: tuple[str, ...]
    contact: str
    address: str
    privacy_url: str


def purposes(codes: Iterable[str], language: str) -> tuple[str, ...]:
    """Return the purposes of topics in words, each once."""
    known = (PURPOSES.get(code, {}).get(language) or code for code in codes)
    return tuple(dict.fromkeys(known))


def check(text: str) -> None:
    """Raise ``InvalidInput`` when a notice holds a name that means nothing, or does not say who asks."""
    found = set(_NAME.findall(text))
    if unknown := sorted(found - set(NAMES)):
        raise InvalidInput(
            _(
                "{%(name)s} stands for nothing here. Use %(names)s.",
                name=unknown[0],
                names=", ".join(f"{{{name}}}" for name in NAMES),
            ),
            field="notice",
        )
    if missing := [name for name in REQUIRED if name not in found]:
        raise InvalidInput(
            _("The law wants people to know who asks: {%(name)s} must stand in this text.", name=missing[0]),
            field="notice",
        )


def fill(text: str, facts: Facts, language: str) -> str:
    """Return the notice as it is shown; ``text`` empty stands for the default."""
    privacy = _PRIVACY.get(language, _PRIVACY["en"]).format(url=facts.privacy_url) if facts.privacy_url else ""
    values = {
        "controller": facts.controller,
        "brand": facts.brand,
        "purposes": ", ".join(facts.purposes),
        "contact": facts.contact,
        "address": facts.address.replace("\r", "").replace("\n", ", "),
        "privacy": privacy,
    }
    filled = _NAME.sub(lambda found: values.get(found[1], found[0]), text or DEFAULT.get(language, DEFAULT["en"]))
    return filled.strip()


def parts(filled: str) -> list[list[dict[str, str]]]:
    """Return a filled notice by paragraphs, each a list of texts, those that lead somewhere with their ``href``."""
    return [_linked(paragraph) for paragraph in filled.split("\n") if paragraph.strip()]


def _linked(paragraph: str) -> list[dict[str, str]]:
    found, end = [], 0
    for link in _LINK.finditer(paragraph):
        target = link[0] if link[0].startswith("http") else f"mailto:{link[0]}"
        found += [{"text": paragraph[end : link.start()]}, {"text": link[0], "href": target}]
        end = link.end()
    return [part for part in [*found, {"text": paragraph[end:]}] if part["text"]]
