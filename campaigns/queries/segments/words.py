"""A segment in words, for lists and reviews."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from campaigns.queries.segments.condition import Context, Leaf
from campaigns.queries.segments.tree import kind_of, mode_of


def describe(definition: object, context: Context) -> str:
    """Return a segment as a phrase, e.g. ``Country is France and Has opened a mail``; what cannot be
    understood is shown as it is."""
    if not isinstance(definition, Mapping):
        return str(definition)
    mode = mode_of(definition)
    if mode is None:
        return _condition(definition, context)
    members = definition[mode] if isinstance(definition[mode], list) else []
    if not members:
        return str(_("nobody") if mode == "any" else _("everybody"))
    phrases = [
        f"({phrase})" if isinstance(member, Mapping) and _joins(member) else phrase
        for member, phrase in ((member, describe(member, context)) for member in members)
    ]
    if mode == "none":
        return str(_("none of: %(conditions)s", conditions="; ".join(phrases)))
    return str(_(" and ") if mode == "all" else _(" or ")).join(phrases)


def _joins(member: Mapping[str, object]) -> bool:
    mode = mode_of(member)
    members = member[mode] if mode else None
    return mode == "none" or (isinstance(members, list) and len(members) > 1)


def _condition(leaf: Leaf, context: Context) -> str:
    try:
        kind = kind_of(leaf)
        subject = dict(kind.subjects(context)).get(str(leaf[kind.key]), "")
        controls = kind.controls(leaf, context)
    except InvalidInput:
        return str(dict(leaf))
    subject = subject or str(kind.subjects(context)[0][1] if kind.subjects(context) else kind.title)
    said = [control.text for control in controls if control.value]
    return " ".join([subject, *said])
