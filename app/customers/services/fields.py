"""Declaring and changing custom fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import Conflict, InvalidInput, NotFound
from app.customers.models import Field
from app.customers.policy.values import Kind

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
# Names that mean something else in mappings, segments and merge tags.
RESERVED = frozenset(
    [
        "id",
        "email",
        "email_key",
        "address_key",
        "domain",
        "first_name",
        "last_name",
        "full_name",
        "language",
        "time_zone",
        "country",
        "source",
        "tags",
        "attributes",
        "created_at",
        "updated_at",
        "opted_out_at",
        "contact",
        "brand",
        "campaign",
        "links",
    ]
)


@dataclass(frozen=True)
class Terms:
    """What can be changed about a field at any time. ``label`` is a text or texts by language; ``titles`` are other
    names that files have for it; ``origin`` is the system that knows best; ``keep_days`` None keeps values with the
    contact."""

    label: Mapping[str, str] | str = ""
    description: str = ""
    choices: Sequence[str] = ()
    personal: bool = True
    subscriber_may_see: bool = False
    subscriber_may_edit: bool = False
    staff_may_edit: bool = True
    origin: str = ""
    keep_days: int | None = None
    titles: Sequence[str] = ()


def declare(
    session: Session,
    name: str,
    kind: Kind | str,
    label: Mapping[str, str] | str,
    *,
    description: str = "",
    choices: Sequence[str] = (),
    personal: bool = True,
    subscriber_may_edit: bool = False,
) -> int:
    """Add a field to the dictionary and return its id; ``declare_as`` with the terms that most fields have.

    Raises ``InvalidInput`` and ``Conflict`` as that does.
    """
    terms = Terms(label, description, choices, personal, subscriber_may_edit, subscriber_may_edit)
    return declare_as(session, name, kind, terms)


def declare_as(session: Session, name: str, kind: Kind | str, terms: Terms) -> int:
    """Add a field to the dictionary and return its id.

    Raises ``InvalidInput`` for a name, kind or choices that cannot be used, ``Conflict`` when the name is taken.
    """
    _check_name(name)
    if kind not in set(Kind):
        raise InvalidInput(
            _("%(kind)s is no type of field. Types: %(kinds)s.", kind=kind, kinds=", ".join(Kind)), field="kind"
        )
    if session.scalar(select(Field.id).where(Field.name == name)) is not None:
        raise Conflict(_("A field called %(name)s is already declared.", name=name))
    row = Field(name=name, kind=str(kind), label={}, titles=[])
    _set(row, terms)
    session.add(row)
    session.flush()
    return row.id


def change(session: Session, name: str, terms: Terms) -> None:
    """Change what may change later: everything but name and type, on which stored values depend.

    A new label renames the field for everybody and touches no value; files that use the former one still find it.
    Values whose choice was taken away stay as they are until they are edited. Raises ``NotFound``, ``InvalidInput``.
    """
    row = session.scalar(select(Field).where(Field.name == name))
    if row is None:
        raise NotFound(_("No field is called %(name)s.", name=name))
    _set(row, terms)
    session.flush()


def _set(row: Field, terms: Terms) -> None:
    if terms.keep_days is not None and not 0 < terms.keep_days <= 36_500:
        raise InvalidInput(_("Values are kept for 1 to 36,500 days, or as long as the contact."), field="keep_days")
    labels = _labels(terms.label, row.name)
    former = [text for text in (row.label or {}).values() if text not in labels.values()]
    titles = dict.fromkeys(text.strip() for text in (*terms.titles, *former) if text.strip())
    row.label, row.titles = labels, list(titles)
    row.description, row.origin = terms.description.strip(), terms.origin.strip()
    row.choices = _choices(Kind(row.kind), terms.choices)
    row.personal, row.keep_days = terms.personal, terms.keep_days
    row.subscriber_may_edit, row.staff_may_edit = terms.subscriber_may_edit, terms.staff_may_edit
    row.subscriber_may_see = terms.subscriber_may_see or terms.subscriber_may_edit


def slug(text: str) -> str:
    """Return a usable field name made from a column title, e.g. ``zip_code`` from ``Zip code``."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:60]
    if not name or not name[0].isalpha():
        name = f"field_{name}".rstrip("_")
    return f"{name}_" if name in RESERVED else name


def _check_name(name: str) -> None:
    if not NAME.match(name):
        raise InvalidInput(
            _(
                "%(name)s cannot name a field: use lower-case letters, digits and _, a letter first, 63 at most.",
                name=name or "“”",
            ),
            field="name",
        )
    if name in RESERVED:
        raise InvalidInput(_("%(name)s is the name of something else; choose another.", name=name), field="name")


def _labels(label: Mapping[str, str] | str, name: str) -> dict[str, str]:
    texts = {"en": label} if isinstance(label, str) else dict(label)
    kept = {language: text.strip() for language, text in texts.items() if text.strip()}
    return kept or {"en": name.replace("_", " ").capitalize()}


def _choices(kind: Kind, choices: Sequence[str]) -> list[str]:
    kept = list(dict.fromkeys(choice.strip() for choice in choices if choice.strip()))
    if kind not in (Kind.CHOICE, Kind.CHOICES):
        return []
    if not kept:
        raise InvalidInput(_("Give at least one choice."), field="choices")
    if bad := [choice for choice in kept if re.search(r"[;|,\n]", choice)]:
        raise InvalidInput(_("%(choice)s: a choice may not contain , ; or |.", choice=bad[0]), field="choices")
    return kept
