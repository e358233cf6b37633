"""Segments evaluated person by person in plain Python: slow, obvious, and written without a look at the compiler."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from tests.campaigns.naive_deeds import evaluate_deed
from tests.factories.people import FIELDS, LEVELS, NOW, Crowd, Person

Truth = bool | None


def evaluate(node: dict[str, object], person: Person, crowd: Crowd) -> Truth:
    """Return whether a person is in a segment: yes, no, or not known (Kleene)."""
    for mode in ("all", "any", "none"):
        if mode in node:
            truths = [evaluate(member, person, crowd) for member in node[mode]]
            if mode == "all":
                return False if False in truths else None if None in truths else True
            either = True if True in truths else None if None in truths else False
            return either if mode == "any" else None if either is None else not either
    if "field" in node:
        return _field(node, person)
    if "tag" in node:
        return (node["tag"] in person.tags) is (node["op"] == "has")
    if "permission" in node:
        return _permission(node, person)
    if "engagement" in node:
        return _engagement(node, person, crowd)
    return evaluate_deed(node, person, crowd, evaluate)


def _field(node: dict[str, object], person: Person) -> bool:
    name, op, wanted = node["field"], node["op"], node.get("value")
    core = {"email": person.email, "first_name": person.first_name, "country": person.country}
    value = core.get(name, person.created_at if name == "created_at" else person.attributes.get(name))
    empty = value is None or value == "" or value == []
    kind = FIELDS.get(name, "date" if name == "created_at" else "text")
    if op in ("is_set", "is_empty"):
        return empty is (op == "is_empty")
    if op in ("ne", "not_in", "not_contains"):
        return not _field({**node, "op": {"ne": "eq", "not_in": "in", "not_contains": "contains"}[op]}, person)
    if kind == "number":
        return _is_number(value) and _number(op, value, wanted)
    if kind == "date":
        return _day(op, value, wanted, person)
    if kind == "boolean":
        return isinstance(value, bool) and value == wanted
    if kind == "choices":
        chosen = value if isinstance(value, list) else []
        return wanted in chosen if op == "contains" else any(one in chosen for one in wanted)
    return isinstance(value, str) and _text(op, value, wanted)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(op: str, value: float, wanted: object) -> bool:
    if op == "between":
        return wanted[0] <= value <= wanted[1]
    if op == "in":
        return value in wanted
    return {
        "eq": value == wanted,
        "gt": value > wanted,
        "gte": value >= wanted,
        "lt": value < wanted,
        "lte": value <= wanted,
    }[op]


def _text(op: str, value: str, wanted: object) -> bool:
    if op == "eq":
        return value == wanted
    if op == "in":
        return value in wanted
    low, part = value.lower(), wanted.lower()
    return {"contains": part in low, "starts_with": low.startswith(part), "ends_with": low.endswith(part)}[op]


def _day(op: str, value: object, wanted: object, person: Person) -> bool:
    today = NOW.date()
    if isinstance(value, datetime):
        day = value.astimezone(UTC).date()
    elif isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        day = date.fromisoformat(value)
        if person.time_zone in available_timezones():
            today = NOW.astimezone(ZoneInfo(person.time_zone)).date()
    else:
        return False
    if op == "within_days":
        return today - timedelta(days=wanted) <= day <= today
    if op == "more_than_days_ago":
        return day < today - timedelta(days=wanted)
    if op == "within_next_days":
        return today <= day <= today + timedelta(days=wanted)
    if op == "anniversary_in_days":
        return _celebrates(day, today + timedelta(days=wanted))
    if op in ("at_least_years_ago", "less_than_years_ago"):
        return day <= today and (_age(day, today) >= wanted) is (op == "at_least_years_ago")
    if op == "anniversary_within_days":
        return any(_celebrates(day, today + timedelta(days=step)) for step in range(wanted + 1))
    if op == "between":
        return date.fromisoformat(wanted[0]) <= day <= date.fromisoformat(wanted[1])
    given = date.fromisoformat(wanted)
    return {"eq": day == given, "before": day < given, "after": day > given}[op]


def _age(born: date, today: date) -> int:
    """How many birthdays there were after the day of birth."""
    age, day = 0, born
    while day < today:
        day += timedelta(days=1)
        age += _celebrates(born, day)
    return age


def _celebrates(born: date, day: date) -> bool:
    leap = (day + timedelta(days=1)).month == 2
    if (born.month, born.day) == (2, 29) and (day.month, day.day) == (2, 28) and not leap:
        return True
    return (born.month, born.day) == (day.month, day.day)


def _permission(node: dict[str, object], person: Person) -> bool:
    op = node["op"]
    if op == "not_granted":
        return not _permission({**node, "op": "granted"}, person)
    grant = person.permissions.get(node["permission"])
    state = "never_asked" if grant is None else grant.state
    if state in ("granted", "pending") and grant.expires_at and grant.expires_at <= NOW:
        state = "expired"
    if state != op:
        return False
    if "level" in node and (grant.level is None or LEVELS.index(grant.level) < LEVELS.index(node["level"])):
        return False
    if "before_days" in node:
        return grant.since < NOW - timedelta(days=node["before_days"])
    return "within_days" not in node or grant.since >= NOW - timedelta(days=node["within_days"])


def _engagement(node: dict[str, object], person: Person, crowd: Crowd) -> Truth:
    did = _did(node, person, crowd)
    return did if node["op"] == "did" or did is None else not did


def _did(node: dict[str, object], person: Person, crowd: Crowd) -> Truth:
    since = NOW - timedelta(days=node["within_days"]) if "within_days" in node else None
    if "campaign" in node:
        scope = [node["campaign"]]
    elif "last_campaigns" in node:
        scope = [campaign for campaign, _ in crowd.campaigns[: node["last_campaigns"]]]
    else:
        scope = [c for c, finished in crowd.campaigns if since is None or finished is None or finished >= since]
    mails = [m for m in person.mails if m.campaign in scope and (since is None or m.sent_at >= since)]
    delivered = [mail for mail in mails if mail.state == "sent" and not mail.bounced]
    deed, times = node["engagement"], node.get("times", 1)
    if deed == "received":
        return len(delivered) >= times
    if person.objected:
        return None
    latest = person.opened_at if deed == "opened" else person.clicked_at
    if times > 1:
        responded = sum((m.opened_at if deed == "opened" else m.clicked_at) is not None for m in delivered) >= times
    elif "campaign" in node or "last_campaigns" in node:
        responded = any((mail.opened_at if deed == "opened" else mail.clicked_at) for mail in mails)
    else:
        responded = latest is not None and (since is None or latest >= since)
    if responded:
        return True
    return False if any(mail.tracked for mail in delivered) else None
