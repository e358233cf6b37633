"""Hypothesis strategies for segments: leaves of every kind, and trees of them.

Campaigns, lists and segments are named by their place (0, 1, 2); ``with_ids`` puts in the numbers that they have.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.factories.deeds import REASONS
from tests.factories.people import CHOICES, LEVELS, STATES, TAGS, Crowd

TOPICS = ("news", "offers")
MODES = ("all", "any", "none")
_days = st.integers(0, 400)
_number = st.sampled_from([0, 1, 150, 200, 200.5, 250])
_day = st.sampled_from(["1990-02-27", "1992-02-29", "2026-02-20", "2026-02-27", "2000-01-01", "9999-12-31"])
_text = st.sampled_from(["Ada", "ada", "50%", "_", "under", "\\", "Ü", "é", "person1", "x'; DROP TABLE contact; --"])


def _field(names: list[str], ops: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    def leaf(op: str) -> st.SearchStrategy:
        value = ops[op]
        fixed = {"field": st.sampled_from(names), "op": st.just(op)}
        return st.fixed_dictionaries(fixed if value is None else {**fixed, "value": value})

    return st.sampled_from(sorted(ops)).flatmap(leaf)


def _few(each: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(each, min_size=1, max_size=12)


def _pair(each: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(each, min_size=2, max_size=2)


_KNOWN = {"is_set": None, "is_empty": None}
_engagement = st.fixed_dictionaries(
    {"engagement": st.sampled_from(["opened", "clicked", "received"]), "op": st.sampled_from(["did", "did_not"])}
)
_did = st.sampled_from(["did", "did_not"])
_in = st.sampled_from(["in", "not_in"])
_compared = st.sampled_from(["gte", "gt", "eq", "lte", "lt"])
_narrowed = {
    "within_days": st.sampled_from([15, 30, 400]),
    "item": st.sampled_from([("product", "W-1"), ("product", "Red"), ("category", "wine"), ("category", "tea")]),
    "brand": st.integers(0, 1),
}
_scopes = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"within_days": st.sampled_from([0, 5, 15, 60])}, optional={"times": st.integers(1, 3)}),
    st.fixed_dictionaries({"last_campaigns": st.integers(1, 4)}, optional={"times": st.integers(1, 3)}),
    st.fixed_dictionaries({"campaign": st.integers(0, 2)}),
    st.fixed_dictionaries({"times": st.integers(1, 3)}),
)


def _scoped(leaf: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(leaf, _scopes).map(lambda pair: pair[0] | pair[1])


leaf = st.one_of(
    _field(
        ["history", "womens"],
        {
            **dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), _number),
            "between": _pair(_number),
            "in": _few(_number),
            "not_in": _few(_number),
            **_KNOWN,
        },
    ),
    _field(
        ["born", "created_at"],
        {
            **dict.fromkeys(("eq", "ne", "before", "after"), _day),
            "between": _pair(_day),
            **dict.fromkeys(("within_days", "more_than_days_ago", "within_next_days"), _days),
            **dict.fromkeys(("anniversary_within_days", "anniversary_in_days"), _days),
            **dict.fromkeys(("at_least_years_ago", "less_than_years_ago"), st.integers(0, 45)),
            **_KNOWN,
        },
    ),
    _field(
        ["note", "first_name", "email"],
        {
            **dict.fromkeys(("eq", "ne", "contains", "not_contains", "starts_with", "ends_with"), _text),
            "in": _few(_text),
            "not_in": _few(_text),
            **_KNOWN,
        },
    ).filter(lambda leaf: leaf["field"] != "email" or leaf["op"] not in ("eq", "ne", "in", "not_in")),
    _field(["member"], {"eq": st.booleans(), "ne": st.booleans(), **_KNOWN}),
    _field(
        ["size", "country"],
        {op: st.sampled_from(["S", "M", "FR", "DE"]) for op in ("eq", "ne")}
        | {op: _few(st.sampled_from(["S", "M", "FR"])) for op in ("in", "not_in")}
        | _KNOWN,
    ),
    _field(
        ["likes"],
        {op: st.sampled_from(CHOICES["likes"]) for op in ("contains", "not_contains")}
        | {op: _few(st.sampled_from(CHOICES["likes"])) for op in ("in", "not_in")}
        | _KNOWN,
    ),
    st.fixed_dictionaries({"tag": st.sampled_from(TAGS), "op": st.sampled_from(["has", "has_not"])}),
    st.fixed_dictionaries({"permission": st.sampled_from(TOPICS), "op": st.sampled_from([*STATES, "not_granted"])}),
    st.fixed_dictionaries(
        {
            "permission": st.sampled_from(TOPICS),
            "op": st.sampled_from(["granted", "not_granted"]),
            "level": st.sampled_from(LEVELS),
            "within_days": st.sampled_from([0, 30, 60]),
        }
    ),
    st.fixed_dictionaries(
        {
            "permission": st.sampled_from(TOPICS),
            "op": st.sampled_from(["granted", "withdrawn", "expired"]),
            "before_days": st.sampled_from([0, 30, 60]),
        }
    ),
    st.fixed_dictionaries(
        {"suppression": st.sampled_from(["any", *REASONS]), "op": st.sampled_from(["is", "is_not"])},
        optional={"topic": st.sampled_from(TOPICS)},
    ),
    _scoped(_engagement),
    _scoped(
        st.one_of(
            st.fixed_dictionaries(
                {"clicks": st.just("category"), "value": st.sampled_from(["wine", "Tea", "none"]), "op": _did}
            ),
            st.fixed_dictionaries(
                {
                    "clicks": st.just("link"),
                    "match": st.sampled_from(["is", "starts_with", "contains"]),
                    "value": st.sampled_from(["https://shop.example/", "https://blog.example/Wine", "tea_50%", "wine"]),
                    "op": _did,
                }
            ),
        )
    ),
    st.fixed_dictionaries(
        {
            "orders": st.just("count"),
            "op": _compared,
            "value": st.sampled_from([0, 1, 2, 2.5]),
        },
        optional=_narrowed,
    ),
    st.fixed_dictionaries(
        {
            "orders": st.just("value"),
            "op": _compared,
            "value": st.sampled_from([-10, 0, 10, 49.99, 199.99]),
        },
        optional=_narrowed,
    ),
    st.fixed_dictionaries(
        {
            "orders": st.just("last"),
            "op": st.sampled_from(["within_days", "more_than_days_ago"]),
            "value": st.sampled_from([0, 15, 30, 100]),
        },
        optional={key: value for key, value in _narrowed.items() if key != "within_days"},
    ),
    st.fixed_dictionaries(
        {"geography": st.just("area"), "op": _in, "value": st.sampled_from(["eu", "europe", "dach", "asia"])}
    ),
    st.fixed_dictionaries(
        {
            "geography": st.just("near"),
            "op": _in,
            "of": st.sampled_from([[48.85, 2.35], [45.7, 4.8], [90, 0], [0, 180]]),
            "km": st.sampled_from([5, 400, 1000, 20000]),
            "latitude": st.just("lat"),
            "longitude": st.sampled_from(["lon", "history"]),
        }
    ),
    st.fixed_dictionaries({"segment": st.integers(0, 2), "op": _in}),
    st.fixed_dictionaries({"list": st.integers(0, 1), "op": _in}),
    st.fixed_dictionaries(
        {"sample": st.sampled_from([0.5, 10, 50, 99]), "seed": st.sampled_from([0, 1, 7, 2**31 - 1]), "op": _in}
    ),
)
tree = st.recursive(
    leaf,
    lambda inner: st.builds(
        lambda mode, members: {mode: members}, st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


def with_ids(node: dict, crowd: Crowd, brands: list[str]) -> dict:
    """Return a tree in which campaigns, lists, segments and brands are called by their names."""
    named = {
        "campaign": [campaign for campaign, _ in crowd.campaigns],
        "list": crowd.lists,
        "segment": list(crowd.segments),
        "brand": brands,
    }
    if "item" in node:
        key, wanted = node["item"]
        node = {name: value for name, value in node.items() if name != "item"} | {key: wanted}
    return {
        key: [with_ids(inner, crowd, brands) for inner in value]
        if key in MODES
        else named[key][value]
        if key in named
        else value
        for key, value in node.items()
    }
