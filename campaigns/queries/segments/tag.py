"""Conditions on tags: ``{"tag": "vip", "op": "has"}``."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import Text, literal
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, certain

_OPS = ("has", "has_not")


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "tag", "op")
    tag = given.text(leaf["tag"])
    op = given.one_of(leaf.get("op", "has"), _OPS, "op")
    verdict = certain(context.contact.c.tags.op("@>", is_comparison=True)(literal([tag], ARRAY(Text()))))
    return verdict if op == "has" else verdict.negated()


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [("", _("Tag"))]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    options = (("has", _("is")), ("has_not", _("is not")))
    return [
        Control("op", _("Has or lacks the tag"), "select", str(leaf.get("op", "has")), options),
        Control("tag", _("Tag"), "text", given.as_text(leaf.get("tag"))),
    ]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    return {"tag": texts.get("tag", "").strip(), "op": "has_not" if texts.get("op") == "has_not" else "has"}


CONDITION = Condition("tag", lazy_gettext("Tags"), _verdict, _subjects, _controls, _read)
