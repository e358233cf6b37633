"""Conditions on permission: ``{"permission": "news", "op": "granted", "level": "opt_in", "within_days": 30}``.

They describe people; they never give permission. Whether mail may be sent is asked again by the gates of ``consent``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, and_, exists, or_

from app.core.errors import InvalidInput
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Control, Leaf, Verdict
from consent.policy.ladder import Level, State
from consent.queries.permissions import permission_table
from consent.queries.topics import TopicInfo

# The opposites are complements: someone never asked is among the not granted.
_OPS: Mapping[str, tuple[str, State, bool]] = {
    "granted": (lazy_gettext("is granted"), State.GRANTED, False),
    "not_granted": (lazy_gettext("is not granted"), State.GRANTED, True),
    "withdrawn": (lazy_gettext("was withdrawn"), State.WITHDRAWN, False),
    "not_withdrawn": (lazy_gettext("was not withdrawn"), State.WITHDRAWN, True),
    "pending": (lazy_gettext("waits for confirmation"), State.PENDING, False),
    "expired": (lazy_gettext("has expired"), State.EXPIRED, False),
    "never_asked": (lazy_gettext("was never asked for"), State.NEVER_ASKED, False),
}
_SINCE = ("within_days", "before_days")
_LEVELS = {
    Level.OPT_OUT: lazy_gettext("opt-out"),
    Level.PASSIVE: lazy_gettext("passive"),
    Level.OPT_IN: lazy_gettext("opt-in"),
    Level.CONFIRMED: lazy_gettext("confirmed"),
}


def topic_of(slug: object, context: Context) -> TopicInfo:
    """Return the topic called ``slug``. Raises ``InvalidInput`` naming those that exist."""
    topic = context.topics.get(slug) if isinstance(slug, str) else None
    if topic is None:
        known = ", ".join(context.topics) or _("none yet")
        raise InvalidInput(_("no topic is called %(name)s. Topics: %(known)s.", name=given.show(slug), known=known))
    return topic


def _verdict(leaf: Leaf, context: Context) -> Verdict:
    given.only(leaf, "permission", "op", "level", *_SINCE)
    topic = topic_of(leaf["permission"], context)
    _label, state, negated = _OPS[given.one_of(leaf.get("op"), _OPS, "op")]
    permission = permission_table()
    tests = [permission.c.contact_id == context.contact.c.id, permission.c.topic_id == topic.id]
    if state is State.NEVER_ASKED:
        given.only(leaf, "permission", "op")
        asked = exists().where(*tests, permission.c.state != State.NEVER_ASKED.value)
        return Verdict(~asked, asked)
    tests.append(_in_state(state, context))
    if "level" in leaf:
        tests.append(permission.c.level.in_(_at_least(leaf["level"], state)))
    given.at_most_one(leaf, _SINCE)
    for since in _SINCE:
        if since in leaf:
            moment = context.now - timedelta(days=given.whole(leaf[since], least=0))
            tests.append(permission.c.since >= moment if since == "within_days" else permission.c.since < moment)
    found = exists().where(*tests)
    return Verdict(~found, found) if negated else Verdict(found, ~found)


def _in_state(state: State, context: Context) -> ColumnElement[bool]:
    """A permission or request past its time counts as expired, whether or not the ledger says so yet."""
    permission = permission_table().c
    if state is State.WITHDRAWN:
        return permission.state == state.value
    living = [State.GRANTED.value, State.PENDING.value]
    if state is State.EXPIRED:
        lapsed = and_(permission.state.in_(living), permission.expires_at <= context.now)
        return or_(permission.state == state.value, lapsed)
    return and_(
        permission.state == state.value, or_(permission.expires_at.is_(None), permission.expires_at > context.now)
    )


def _at_least(level: object, state: State) -> list[str]:
    if state is not State.GRANTED:
        raise InvalidInput(_("“level” belongs to granted and not_granted only."))
    floor = Level(given.one_of(level, [known.value for known in Level], "level"))
    return [known.value for known in Level if known.rung >= floor.rung]


def _subjects(context: Context) -> list[tuple[str, str]]:
    return [
        (topic.slug, _("Permission for %(topic)s", topic=topic.name(context.language)))
        for topic in context.topics.values()
        if topic.archived_at is None
    ]


def _controls(leaf: Leaf, context: Context) -> list[Control]:
    op = str(leaf.get("op") or "granted")
    op = op if op in _OPS else "granted"
    options = tuple((key, str(entry[0])) for key, entry in _OPS.items())
    controls = [Control("op", _("State of the permission"), "select", op, options, reshapes=True)]
    state = _OPS[op][1]
    if state is State.GRANTED:
        known = ((level.value, _("at least %(level)s", level=label)) for level, label in _LEVELS.items())
        chosen = given.as_text(leaf.get("level"))
        controls.append(Control("level", _("Least level"), "select", chosen, (("", _("at any level")), *known)))
    if state is not State.NEVER_ASKED:
        controls += _since_controls(leaf)
    return controls


def _since_controls(leaf: Leaf) -> list[Control]:
    since = next((since for since in _SINCE if since in leaf), "")
    options = (("", _("since any time")), ("within_days", _("within the last")), ("before_days", _("for more than")))
    chosen = Control("since", _("Since when"), "select", since, options, reshapes=True)
    if not since:
        return [chosen]
    days = given.as_text(leaf[since])
    return [chosen, Control("days", _("Number of days"), "number", days, after=_("days"))]


def _read(subject: str, texts: Mapping[str, str], context: Context) -> dict[str, object]:
    op = texts.get("op", "")
    op = op if op in _OPS else "granted"
    leaf: dict[str, object] = {"permission": subject, "op": op}
    state = _OPS[op][1]
    if state is State.GRANTED:
        leaf["level"] = texts.get("level", "")
    leaf = given.drop_blank(leaf)
    if state is not State.NEVER_ASKED and (since := texts.get("since", "")) in _SINCE:
        leaf[since] = given.as_number(texts.get("days") or "30")
    return leaf


CONDITION = Condition("permission", lazy_gettext("Permission"), _verdict, _subjects, _controls, _read)
