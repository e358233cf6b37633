"""Conditions on suppression: ``{"suppression": "any", "op": "is"}``, or one reason; ``"topic": "news"`` for its mails.

Like those on permission they describe people; the gates of ``consent`` are asked again whatever a segment says.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, or_

from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict, certain
from campaigns.queries.segments.permission import topic_of
from consent.queries.gates import suppressed

_OPS = ("is", "is_not")
_ANY = "any"
_REASONS: Mapping[str, object] = {
    _ANY: lazy_gettext("A suppression for any reason"),
    "hard_bounce": lazy_gettext("A suppression: the address does not exist"),
    "soft_bounces": lazy_gettext("A suppression: the mailbox kept refusing"),
    "complaint": lazy_gettext("A suppression: reported a mail as spam"),
    "objection": lazy_gettext("A suppression: objected to marketing"),
    "manual": lazy_gettext("A suppression: by hand"),
    "import": lazy_gettext("A suppression: by an import"),
}


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "suppression", "op", "topic")
    reason = given.one_of(leaf["suppression"], _REASONS, "suppression")
    op = given.one_of(leaf.get("op", "is"), _OPS, "op")
    topic = topic_of(leaf["topic"], context) if "topic" in leaf else None
    reasons = () if reason == _ANY else (reason,)
    address = suppressed(topic.id if topic else None, topic.brand_id if topic else None, context.now, reasons)
    tests: list[ColumnElement[bool]] = [address]
    # Both are written on the person as well, because they outlive a change of address.
    if reason in (_ANY, "complaint"):
        tests.append(context.contact.c.complained_at.is_not(None))
    if reason in (_ANY, "objection"):
        tests.append(context.contact.c.objected_at.is_not(None))
    verdict = certain(or_(*tests))
    return verdict if op == "is" else verdict.negated()


# The builder


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [(reason, str(label)) for reason, label in _REASONS.items()]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    ops = (("is", _("holds")), ("is_not", _("does not hold")))
    topics = tuple((t.slug, t.name(context.language)) for t in context.topics.values() if t.archived_at is None)
    return [
        Control("op", _("Suppressed or not"), "select", str(leaf.get("op", "is")), ops),
        Control(
            "topic",
            _("For which topic"),
            "select",
            given.as_text(leaf.get("topic")),
            (("", _("for all mail")), *topics),
        ),
    ]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    op = "is_not" if texts.get("op") == "is_not" else "is"
    return given.drop_blank({"suppression": subject, "op": op, "topic": texts.get("topic", "")})


CONDITION = Condition("suppression", lazy_gettext("Suppression"), _verdict, _subjects, _controls, _read)
