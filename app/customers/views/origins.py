"""Where the values of a contact are from, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _

from app.customers.forms import CORE_TEXTS
from app.customers.policy.merging import blank
from app.customers.policy.origins import Origin, Set
from app.customers.queries.contacts import ContactInfo
from app.customers.queries.fields import FieldInfo
from app.customers.queries.merging import held


def lines(
    contact: ContactInfo,
    changed: Mapping[str, Set],
    fields: Sequence[FieldInfo],
    names: Mapping[int, str],
    language: str,
) -> list[tuple[object, str, datetime]]:
    """Say for each field that has a value who set it and when, the latest first.

    ``changed`` is what imports changed last, ``names`` are those of staff by id.
    """
    labels = {**CORE_TEXTS, **{field.name: field.label(language) for field in fields}}
    values = held(contact)
    came = _("came with the contact")
    if contact.source:
        came = _("came with the contact (%(source)s)", source=contact.source)
    found: list[tuple[object, str, datetime]] = []
    for name, label in labels.items():
        if blank(values.get(name)):
            continue
        known = max(filter(None, (contact.origins.get(name), changed.get(name))), key=lambda one: one.at, default=None)
        found.append((label, _told(known, names) if known else str(came), known.at if known else contact.created_at))
    return sorted(found, key=lambda line: line[2], reverse=True)


def _told(known: Set, names: Mapping[int, str]) -> str:
    texts = {
        Origin.STAFF: _("set by %(name)s", name=names.get(known.number or 0, _("staff"))),
        Origin.PERSON: _("set by the person"),
        Origin.FORM: _("from sign-up form %(id)s", id=known.number),
        Origin.IMPORT: _("from import %(id)s", id=known.number),
        Origin.MERGE: _("taken from contact %(id)s by a merge", id=known.number),
        Origin.SYSTEM: _("set by a command"),
    }
    return str(texts[known.origin])
