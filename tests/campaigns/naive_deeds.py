"""The other conditions, person by person in plain Python: suppression, clicks, orders, places, membership, samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from tests.factories.people import NOW, Crowd, Person, Sale

Truth = bool | None
Node = dict[str, object]
COUNTRIES = {"eu": {"FR", "DE"}, "europe": {"FR", "DE", "GB"}, "dach": {"DE"}, "asia": set()}


def evaluate_deed(node: Node, person: Person, crowd: Crowd, evaluate: Callable[..., Truth]) -> Truth:
    """Return whether the condition fits: yes, no, or not known."""
    if "clicks" in node:
        return _opposite(_clicked(node, person, crowd), node["op"] == "did_not")
    if "orders" in node:
        return None if person.objected else _orders(node, person)
    if "suppression" in node:
        return _suppressed(node, person) is (node["op"] == "is")
    if "segment" in node:
        return _opposite(evaluate(crowd.segments[node["segment"]], person, crowd), node["op"] == "not_in")
    if "geography" in node:
        found = _lives(node, person)
    elif "list" in node:
        found = node["list"] in person.lists
    else:
        found = _drawn(person.id, node["seed"]) < round(node["sample"] / 100 * 2**32)
    return found is (node["op"] == "in")


def _opposite(truth: Truth, negated: bool) -> Truth:
    return truth if truth is None or not negated else not truth


def _suppressed(node: Node, person: Person) -> bool:
    reason = node["suppression"]
    for stop in person.suppressions:
        meant = stop.topic is None or stop.topic == node.get("topic")
        if stop.holds and meant and reason in ("any", stop.reason):
            return True
    return (person.complained and reason in ("any", "complaint")) or (
        person.objected and reason in ("any", "objection")
    )


def _clicked(node: Node, person: Person, crowd: Crowd) -> Truth:
    if person.objected:
        return None
    meant = {place for place, (url, category) in crowd.links.items() if _is_meant(node, url, category)}
    since = NOW - timedelta(days=node["within_days"]) if "within_days" in node else None
    scope = [c for c, finished in crowd.campaigns if since is None or finished is None or finished >= since]
    if "campaign" in node:
        scope = [node["campaign"]]
    elif "last_campaigns" in node:
        scope = scope[: node["last_campaigns"]]
    clicks = [
        click
        for click in person.clicks
        if (click.campaign, click.link) in meant
        and (click.campaign in scope or since is not None)
        and (since is None or click.at >= since)
    ]
    if len(clicks) >= node.get("times", 1):
        return True
    had = [
        mail
        for mail in person.mails
        if mail.state == "sent"
        and not mail.bounced
        and mail.tracked
        and mail.campaign in scope
        and mail.campaign in {campaign for campaign, _ in meant}
        and (since is None or mail.sent_at >= since)
    ]
    return False if had else None


def _is_meant(node: Node, url: str, category: str) -> bool:
    wanted = node["value"]
    if node["clicks"] == "category":
        return category.lower() == wanted.lower()
    return {"is": url == wanted, "starts_with": url.startswith(wanted), "contains": wanted in url}[node["match"]]


def _orders(node: Node, person: Person) -> bool:
    since = NOW - timedelta(days=node["within_days"]) if "within_days" in node else None
    meant = [
        sale
        for sale in person.orders
        if (since is None or sale.at >= since)
        and ("brand" not in node or sale.brand == node["brand"])
        and _holds(node, sale.refunds or sale)
    ]
    sales = [sale for sale in meant if sale.refunds is None]
    if node["orders"] == "last":
        last = max((sale.at for sale in sales), default=None)
        edge = NOW - timedelta(days=node["value"])
        return last is not None and (last >= edge if node["op"] == "within_days" else last < edge)
    total = Decimal(len(sales)) if node["orders"] == "count" else sum((sale.value for sale in meant), Decimal(0))
    wanted = Decimal(str(node["value"]))
    return {
        "gte": total >= wanted,
        "gt": total > wanted,
        "eq": total == wanted,
        "lte": total <= wanted,
        "lt": total < wanted,
    }[node["op"]]


def _holds(node: Node, sale: Sale) -> bool:
    if "product" in node and not any(node["product"] in (item.get("sku"), item.get("name")) for item in sale.items):
        return False
    return "category" not in node or any(item.get("category") == node["category"] for item in sale.items)


def _lives(node: Node, person: Person) -> bool:
    if node["geography"] == "area":
        return person.country in COUNTRIES[node["value"]]
    north, east = (person.attributes.get(node[key]) for key in ("latitude", "longitude"))
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (north, east)):
        return False
    return _kilometres(north, east, *node["of"]) <= node["km"]


def _kilometres(north: float, east: float, to_north: float, to_east: float) -> float:
    """By vectors, not by haversines."""

    def vector(latitude: float, longitude: float) -> tuple[float, float, float]:
        a, b = math.radians(latitude), math.radians(longitude)
        return math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)

    one, other = vector(north, east), vector(to_north, to_east)
    chord = math.dist(one, other)
    return 2 * math.asin(min(1.0, chord / 2)) * 6371.0088


def _drawn(contact_id: int, seed: int) -> int:
    """The low 32 bits of PostgreSQL's ``hashint8extended``: Bob Jenkins's lookup3, as hashfn.c has it."""
    a = b = c = (0x9E3779B9 + 4 + 3923095) % 2**32
    if seed:
        a, b = (a + (seed >> 32)) % 2**32, (b + seed) % 2**32
        a, b, c = _mix(a, b, c)
    a = (a + (contact_id ^ (contact_id >> 32))) % 2**32
    for left, right, turn in (("c", "b", 14), ("a", "c", 11), ("b", "a", 25), ("c", "b", 16), ("a", "c", 4)):
        a, b, c = _final(a, b, c, left, right, turn)
    a, b, c = _final(a, b, c, "b", "a", 14)
    a, b, c = _final(a, b, c, "c", "b", 24)
    return c


def _turn(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) % 2**32


def _final(a: int, b: int, c: int, left: str, right: str, by: int) -> tuple[int, int, int]:
    words = {"a": a, "b": b, "c": c}
    words[left] = ((words[left] ^ words[right]) - _turn(words[right], by)) % 2**32
    return words["a"], words["b"], words["c"]


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for by in (4, 6, 8, 16, 19, 4):
        a = ((a - c) ^ _turn(c, by)) % 2**32
        c = (c + b) % 2**32
        a, b, c = b, c, a
    return a, b, c
