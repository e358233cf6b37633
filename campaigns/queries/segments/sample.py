"""A random share of everybody: ``{"sample": 10, "seed": 7}`` is ten percent, drawn by the seed.

A contact is in the sample of a seed or not, once for all: who is added later changes nothing for the others, a larger
share of the same seed holds the smaller one, and samples of different seeds have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import BigInteger, func, literal

from app.core.errors import InvalidInput
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, certain

_OPS = ("in", "not_in")
_BUCKETS = 2**32
_LAST_SEED = 2**31 - 1


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "sample", "seed", "op")
    percent = given.number(leaf["sample"])
    if not 0 < percent < 100:
        raise InvalidInput(
            _("a share of more than 0 and less than 100 percent is expected, not %(value)s.", value=percent)
        )
    seed = given.whole(leaf.get("seed", 0), least=0, most=_LAST_SEED)
    op = given.one_of(leaf.get("op", "in"), _OPS, "op")
    # PostgreSQL's own hash of a number; hash partitions rest on it, so it stays what it is from version to version.
    hashed = func.hashint8extended(context.contact.c.id, literal(seed, BigInteger()))
    verdict = certain(hashed.bitwise_and(literal(_BUCKETS - 1, BigInteger())) < round(percent / 100 * _BUCKETS))
    return verdict if op == "in" else verdict.negated()


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [("", _("A random sample"))]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    ops = (("in", _("holds the person")), ("not_in", _("does not hold the person")))
    return [
        Control("percent", _("Percent"), "decimal", given.as_text(leaf.get("sample")), before=_("of"), after="%"),
        Control(
            "seed", _("Number of the draw"), "number", given.as_text(leaf.get("seed", 0)), before=_("in draw number")
        ),
        Control("op", _("In the sample or not"), "select", str(leaf.get("op", "in")), ops),
    ]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    return {
        "sample": given.as_number(texts.get("percent") or "10"),
        "seed": given.as_number(texts.get("seed") or "0"),
        "op": "not_in" if texts.get("op") == "not_in" else "in",
    }


CONDITION = Condition("sample", lazy_gettext("Sample"), _verdict, _subjects, _controls, _read)
