"""Segments to measure with: of two conditions on fields or the like, one on permission, responses and orders each."""

from __future__ import annotations

import random

from app.bench.seed import CATEGORIES, CHOICES, TOPICS

Leaf = dict[str, object]


def segment(dice: random.Random, inside: list[int], listed: int) -> dict[str, object]:
    """Return a segment of five conditions. Seven in ten ask for all of them, the others for any or none of two."""
    leaves = [
        _field(dice) if dice.random() < 0.8 else _rarer(dice, inside, listed),
        _field(dice),
        _permission(dice),
        _response(dice),
        _orders(dice),
    ]
    dice.shuffle(leaves)
    shape = dice.random()
    if shape < 0.7:
        return {"all": leaves}
    if shape < 0.85:
        return {"all": [*leaves[:3], {"any": leaves[3:]}]}
    return {"all": [*leaves[:3], {"none": leaves[3:]}]}


def _field(dice: random.Random) -> Leaf:
    kind = dice.randrange(9)
    if kind == 0:
        return {"field": "country", "op": "in", "value": dice.sample(["FR", "DE", "GB", "ES", "US"], 2)}
    if kind == 1:
        return {"field": "language", "op": dice.choice(["eq", "ne"]), "value": dice.choice(["fr", "en"])}
    if kind == 2:
        name = dice.choice(["points", "visits", "spent"])
        return {"field": name, "op": dice.choice(["gt", "lte"]), "value": dice.choice([10, 30, 100, 500])}
    if kind == 3:
        return {"field": "born", "op": "anniversary_within_days", "value": dice.choice([0, 7, 30])}
    if kind == 4:
        return {"field": dice.choice(["joined", "renewed"]), "op": "within_days", "value": dice.choice([90, 400, 800])}
    if kind == 5:
        return {"field": dice.choice(["member", "newsletter", "child"]), "op": "eq", "value": dice.random() < 0.5}
    if kind == 6:
        name = dice.choice(["size", "plan"])
        return {"field": name, "op": dice.choice(["eq", "ne"]), "value": dice.choice(CHOICES[name])}
    if kind == 7:
        return {"field": "likes", "op": "contains", "value": dice.choice(CHOICES["likes"])}
    op = dice.choice(["contains", "starts_with", "is_set"])
    leaf: Leaf = {"field": dice.choice(["city", "company", "first_name"]), "op": op}
    return leaf if op == "is_set" else {**leaf, "value": dice.choice(["City 4", "Company 12", "Ada", "1"])}


def _rarer(dice: random.Random, inside: list[int], listed: int) -> Leaf:
    place = [43 + 8 * dice.random(), 8 * dice.random() - 1]
    return dice.choice(
        [
            {"tag": dice.choice(["vip", "customer"]), "op": dice.choice(["has", "has_not"])},
            {"geography": "area", "op": "in", "value": dice.choice(["eu", "dach", "europe"])},
            {
                "geography": "near",
                "op": "in",
                "of": place,
                "km": dice.choice([30, 150]),
                "latitude": "lat",
                "longitude": "lon",
            },
            {"segment": dice.choice(inside), "op": dice.choice(["in", "not_in"])},
            {"list": listed, "op": dice.choice(["in", "not_in"])},
            {"sample": dice.choice([1, 10, 50]), "seed": dice.randrange(100)},
            {"suppression": dice.choice(["any", "hard_bounce"]), "op": dice.choice(["is", "is_not"])},
            {"field": "born", "op": "at_least_years_ago", "value": dice.choice([18, 65])},
            {"field": "created_at", "op": "within_days", "value": dice.choice([30, 365])},
        ]
    )


def _permission(dice: random.Random) -> Leaf:
    leaf: Leaf = {
        "permission": dice.choice(TOPICS),
        "op": dice.choice(["granted", "granted", "granted", "not_granted", "withdrawn", "never_asked"]),
    }
    if leaf["op"] == "granted" and dice.random() < 0.5:
        leaf["level"] = dice.choice(["opt_in", "confirmed"])
    if leaf["op"] in ("granted", "withdrawn") and dice.random() < 0.3:
        leaf[dice.choice(["within_days", "before_days"])] = dice.choice([90, 365])
    return leaf


def _response(dice: random.Random) -> Leaf:
    scope: Leaf = dice.choice(
        [
            {"within_days": dice.choice([7, 30, 90, 180])},
            {"within_days": dice.choice([30, 90]), "times": dice.choice([2, 3])},
            {"last_campaigns": dice.choice([1, 3, 10])},
            {"campaign": dice.randrange(1, 121)},
        ]
    )
    op = dice.choice(["did", "did_not"])
    if dice.random() < 0.75:
        return {"engagement": dice.choice(["opened", "clicked", "received"]), "op": op, **scope}
    if dice.random() < 0.5:
        return {"clicks": "category", "value": dice.choice(CATEGORIES), "op": op, **scope}
    value = dice.choice(["https://shop.example/wine", "/tea/"])
    return {"clicks": "link", "match": "contains", "value": value, "op": op, **scope}


def _orders(dice: random.Random) -> Leaf:
    leaf: Leaf = dice.choice(
        [
            {"orders": "count", "op": "gte", "value": dice.choice([1, 2, 5])},
            {"orders": "count", "op": "eq", "value": 0},
            {"orders": "value", "op": dice.choice(["gt", "lt"]), "value": dice.choice([50, 200])},
            {"orders": "last", "op": "within_days", "value": dice.choice([30, 180])},
            {"orders": "last", "op": "more_than_days_ago", "value": dice.choice([180, 365])},
        ]
    )
    if leaf["orders"] != "last" and dice.random() < 0.5:
        leaf["within_days"] = dice.choice([30, 90, 365])
    if dice.random() < 0.2:
        leaf["category"] = dice.choice(CATEGORIES)
    elif dice.random() < 0.1:
        leaf["product"] = f"P-{dice.randrange(400)}"
    return leaf
