"""The register of processing activities (GDPR 30(1)): its shape, and what is missing in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from flask_babel import gettext as _

# The European Union and Iceland, Liechtenstein, Norway: whoever is elsewhere is in a third country (GDPR chapter V).
EEA = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split())


class Text(StrEnum):
    """What the controller may add."""

    OFFICER = "officer"
    RECIPIENTS = "recipients"
    SAFEGUARDS = "safeguards"
    SECURITY = "security"
    NOTES = "notes"


@dataclass(frozen=True)
class Party:
    """The controller (GDPR 30(1)(a))."""

    name: str
    registration: str
    postal_address: str
    contact: str
    privacy_notice: str


@dataclass(frozen=True)
class Activity:
    """One purpose (b): on which basis, whose data, which, until when (f)."""

    name: str
    purpose: str
    bases: tuple[str, ...]
    subjects: str
    data: tuple[str, ...]
    kept: str


@dataclass(frozen=True)
class Recipient:
    """Who gets data (d) and where: ``country`` is ISO 3166, blank when nobody said. ``local`` is this very machine."""

    name: str
    operator: str
    country: str
    serves: str
    local: bool

    @property
    def third_country(self) -> bool:
        """Whether this is a transfer out of the European Economic Area (e)."""
        return bool(self.country) and self.country not in EEA


@dataclass(frozen=True)
class Period:
    """How long a kind of data is kept (f)."""

    what: str
    how_long: str


@dataclass(frozen=True)
class Register:
    """The whole register, in the reader's language."""

    issued_at: str
    controller: Party | None
    brands: tuple[str, ...]
    activities: tuple[Activity, ...]
    recipients: tuple[Recipient, ...]
    periods: tuple[Period, ...]
    texts: dict[Text, str]

    def to_json(self) -> dict[str, object]:
        """Return it as JSON, in the order of the article."""
        recipients = [asdict(found) | {"third_country": found.third_country} for found in self.recipients]
        return {
            "register": "GDPR 30(1)",
            "issued_at": self.issued_at,
            "controller": asdict(self.controller) if self.controller else None,
            "officer": self.texts[Text.OFFICER],
            "brands": list(self.brands),
            "activities": [asdict(activity) for activity in self.activities],
            "recipients": recipients,
            "further_recipients": self.texts[Text.RECIPIENTS],
            "safeguards": self.texts[Text.SAFEGUARDS],
            "periods": [asdict(period) for period in self.periods],
            "security": self.texts[Text.SECURITY],
            "notes": self.texts[Text.NOTES],
        }

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield it as rows of a table: section, of what, property, value."""
        if self.controller:
            for name, value in asdict(self.controller).items():
                yield "controller", self.controller.name, name, value
        yield "officer", "", "", self.texts[Text.OFFICER]
        for brand in self.brands:
            yield "brand", brand, "", ""
        for activity in self.activities:
            for name, value in asdict(activity).items():
                if name != "name":
                    yield "activity", activity.name, name, "; ".join(value) if isinstance(value, tuple) else value
        for found in self.recipients:
            for name, text in (asdict(found) | {"third_country": found.third_country}).items():
                if name != "name":
                    yield "recipient", found.name, name, str(text)
        for period in self.periods:
            yield "period", period.what, "", period.how_long
        for key in (Text.RECIPIENTS, Text.SAFEGUARDS, Text.SECURITY, Text.NOTES):
            yield key.value, "", "", self.texts[key]


def missing(register: Register) -> list[str]:
    """Return what the register must still be told, in words."""
    found = []
    if register.controller is None:
        found.append(_("Nobody is named as the controller."))
    if not register.activities:
        found.append(_("There is no topic yet, so no purpose."))
    for recipient in register.recipients:
        if not recipient.local and not recipient.country:
            found.append(_("In which country is the relay %(name)s?", name=recipient.name))
        if not recipient.local and not recipient.operator:
            found.append(_("Who runs the relay %(name)s?", name=recipient.name))
        if recipient.third_country and not register.texts[Text.SAFEGUARDS]:
            found.append(
                _(
                    "The relay %(name)s is outside the European Economic Area: state the safeguards.",
                    name=recipient.name,
                )
            )
    return found
