"""What a person may change of their own: name, language, and the fields that staff opened to subscribers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel import Locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.customers.policy.values import Kind, show
from app.customers.queries.contacts import ContactInfo
from app.customers.queries.fields import FieldInfo
from consent.forms.names import LANGUAGE_NAMES

LONGEST = 2000  # characters of one answer
# By what browsers fill them in (WCAG 1.3.5), for what fields are commonly called.
AUTOCOMPLETE = {
    "first_name": "given-name",
    "last_name": "family-name",
    "language": "language",
    "country": "country",
    "birthday": "bday",
    "birth_date": "bday",
    "born": "bday",
    "city": "address-level2",
    "postcode": "postal-code",
    "zip": "postal-code",
    "street": "street-address",
    "phone": "tel",
    "mobile": "tel",
    "company": "organization",
    "job_title": "organization-title",
    "gender": "sex",
    "website": "url",
}
_WIDGETS = {
    Kind.DATE: "date",
    Kind.NUMBER: "number",
    Kind.MONEY: "number",
    Kind.URL: "url",
    Kind.BOOLEAN: "select",
    Kind.CHOICE: "select",
    Kind.COUNTRY: "select",
    Kind.LANGUAGE: "select",
    Kind.CHOICES: "checks",
}


@dataclass
class Input:
    """One field of the page. ``widget`` is text, number, date, url, select or checks; ``shown`` what it held before;
    ``choices`` are (value, text)."""

    name: str
    label: str
    widget: str
    value: str
    shown: str
    choices: list[tuple[str, str]]

    @property
    def autocomplete(self) -> str:
        """Return what browsers may fill in."""
        return AUTOCOMPLETE.get(self.name, "off")

    @property
    def chosen(self) -> list[str]:
        """Return the ticked choices."""
        return self.value.split("; ") if self.value else []


class Details:
    """The page's fields for one person."""

    def __init__(self, fields: Sequence[FieldInfo], person: ContactInfo, language: str) -> None:
        spoken = dict(LANGUAGE_NAMES)
        if person.language and person.language not in spoken:
            spoken[person.language] = Locale(language).languages.get(person.language, person.language)
        self.inputs = [
            _input("first_name", _("First name"), "text", person.first_name),
            _input("last_name", _("Last name"), "text", person.last_name),
            _input("language", _("Language"), "select", person.language or "", [("", "–"), *spoken.items()]),
        ]
        for field in fields:
            if field.subscriber_may_edit:
                value = show(person.attributes.get(field.name))
                widget = _WIDGETS.get(field.kind, "text")
                choices = _choices(field, value, language)
                self.inputs.append(_input(field.name, field.label(language), widget, value, choices))
        # What they may see and not change.
        self.facts = [
            (field.label(language), text)
            for field in fields
            if field.subscriber_may_see and not field.subscriber_may_edit
            if (text := show(person.attributes.get(field.name)))
        ]

    def read(self, sent: MultiDict[str, str]) -> None:
        """Take what came back; a field that the page had not shown stays as it is."""
        for one in self.inputs:
            if f"shown_{one.name}" in sent:
                one.value = "; ".join(sent.getlist(one.name)).strip()[:LONGEST]
                one.shown = sent[f"shown_{one.name}"]

    def changed(self) -> dict[str, str]:
        """Return what differs from what the page had shown."""
        return {one.name: one.value for one in self.inputs if one.value != one.shown}


def _input(name: str, label: str, widget: str, value: str, choices: list[tuple[str, str]] | None = None) -> Input:
    return Input(name, str(label), widget, value, value, choices or [])


def _choices(field: FieldInfo, value: str, language: str) -> list[tuple[str, str]]:
    none = ("", "–")
    if field.kind is Kind.BOOLEAN:
        return [none, ("true", _("Yes")), ("false", _("No"))]
    if field.kind is Kind.CHOICE:
        return [none, *((choice, choice) for choice in field.choices)]
    if field.kind is Kind.CHOICES:
        return [(choice, choice) for choice in field.choices]
    locale = Locale(language)
    if field.kind is Kind.COUNTRY:
        known = {code: name for code, name in locale.territories.items() if len(code) == 2 and code.isalpha()}
        return [none, *sorted(known.items(), key=lambda pair: pair[1])]
    if field.kind is Kind.LANGUAGE:
        return [
            none,
            *((code, locale.languages.get(code, code)) for code in dict.fromkeys(["en", "fr", value]) if code),
        ]
    return []
