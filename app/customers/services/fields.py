"""Declaring and changing custom fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

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
    """Add a field to the dictionary and return its id. ``label`` is a text or texts by language.

    Raises ``InvalidInput`` for a name, kind or choices that cannot be used, ``Conflict`` when the name is taken.
    """
    _check_name(name)
    if kind not in set(Kind):
        raise InvalidInput(
            _("%(kind)s is no type of field. Types: %(kinds)s.", kind=kind, kinds=", ".join(Kind)), field="kind"
        )
    if session.scalar(select(Field.id).where(Field.name == name)) is not None:
        raise Conflict(_("A field called %(name)s is already declared.", name=name))
    row = Field(
        name=name,
        kind=str(kind),
        label=_labels(label, name),
        description=description.strip(),
        choices=_choices(Kind(kind), choices),
        personal=personal,
        subscriber_may_edit=subscriber_may_edit,
    )
    session.add(row)
    session.flush()
    return row.id


def change(
    session: Session,
    name: str,
    *,
    label: Mapping[str, str],
    description: str,
    choices: Sequence[str],
    personal: bool,
    subscriber_may_edit: bool,
) -> None:
    """Change what may change later: everything but name and type, on which stored values depend.

    Values whose choice was taken away stay as they are until they are edited. Raises ``NotFound``, ``InvalidInput``.
    """
    row = session.scalar(select(Field).where(Field.name == name))
    if row is None:
        raise NotFound(_("No field is called %(name)s.", name=name))
    row.label = _labels(label, name)
    row.description = description.strip()
    row.choices = _choices(Kind(row.kind), choices)
    row.personal = personal
    row.subscriber_may_edit = subscriber_may_edit
    session.flush()


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
