"""Segments: the compiler agrees with plain Python, says what is wrong, and uses bound parameters only."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.core import clock
from campaigns.errors import SegmentError
from campaigns.queries import segments
from campaigns.services import segments as service
from consent.queries import topics
from tests.campaigns.naive_segments import evaluate
from tests.factories.campaigns import make_campaign
from tests.factories.consent import make_topic
from tests.factories.customers import make_contact, make_field
from tests.factories.people import CHOICES, LEVELS, NOW, STATES, TAGS, Crowd, make_crowd

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
_leaf = st.one_of(
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
            "within_days": _days,
            "anniversary_within_days": _days,
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
    _engagement,
    st.tuples(
        _engagement,
        st.one_of(
            st.fixed_dictionaries({"within_days": st.sampled_from([0, 5, 15, 60])}),
            st.fixed_dictionaries({"last_campaigns": st.integers(1, 4)}),
            st.fixed_dictionaries({"campaign": st.integers(0, 2)}),  # which of the crowd's campaigns
        ),
    ).map(lambda pair: pair[0] | pair[1]),
)
_tree = st.recursive(
    _leaf,
    lambda inner: st.builds(
        lambda mode, members: {mode: members}, st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture
def crowd(session: Session, clock: object) -> Crowd:
    clock.to(NOW)
    slugs = {}
    for slug in TOPICS:
        topic_id = make_topic(session, name=slug)
        slugs[topics.topic(session, topic_id).slug] = topic_id
    assert tuple(slugs) == TOPICS
    return make_crowd(session, slugs, [make_campaign(session).id for _ in range(3)])


def test_any_tree_gives_the_people_that_plain_python_gives(session: Session, crowd: Crowd) -> None:
    """Sixty people with wrongly typed values, expired permissions and untracked mails among them."""

    def with_ids(node: dict) -> dict:
        if "campaign" in node:
            return {**node, "campaign": crowd.campaigns[node["campaign"]][0]}
        return {key: [with_ids(m) for m in value] if key in MODES else value for key, value in node.items()}

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_tree)
    @example({"none": [{"engagement": "opened", "op": "did_not"}]})
    @example({"any": []})
    def agrees(tree: dict) -> None:
        definition = with_ids(tree)
        expected = {person.id for person in crowd.people if evaluate(definition, person, crowd) is True}
        # The clock moves on while the test runs; the crowd keeps days of distance from every boundary.
        found = set(session.scalars(segments.compile(session, definition)))
        assert found == expected
        assert segments.count(session, definition) == len(expected)

    agrees()
    assert clock.now() >= NOW


def test_untracked_people_neither_opened_nor_failed_to_open(session: Session, crowd: Crowd) -> None:
    did, did_not = ({"engagement": "opened", "op": op, "last_campaigns": 3} for op in ("did", "did_not"))
    either = segments.count(session, {"any": [did, did_not]})
    tracked = [p for p in crowd.people if evaluate(did, p, crowd) is not None]
    assert either == len(tracked) < len(crowd.people)
    assert segments.count(session, {"none": [did]}) == segments.count(session, did_not)


def test_the_hillstrom_segment(session: Session) -> None:
    make_field(session, "history", "number")
    make_field(session, "womens", "number")
    inside = make_contact(session, history="200.01", womens="1")
    for history, womens in (("200", "1"), ("900", "0"), ("", "1")):
        make_contact(session, history=history, womens=womens)
    definition = {"all": [{"field": "history", "op": "gt", "value": 200}, {"field": "womens", "op": "eq", "value": 1}]}
    assert list(session.scalars(segments.compile(session, definition))) == [inside]


def test_erased_people_are_in_no_segment(session: Session) -> None:
    from app.customers.services import contacts

    gone, _ = make_contact(session), make_contact(session)
    contacts.erase(session, gone)
    assert segments.count(session, {"all": []}) == 1


def test_values_are_bound_never_written_into_the_statement(session: Session) -> None:
    hostile = "'); DROP TABLE contact; --"
    leaves = [{"tag": hostile}, {"field": "email", "op": "contains", "value": hostile}]
    statement = str(segments.compile(session, {"any": leaves}))
    assert "DROP" not in statement and statement.count("SELECT") == 1


def test_equality_of_a_declared_field_can_use_the_index(session: Session) -> None:
    make_field(session, "womens", "number")
    sql = str(segments.compile(session, {"field": "womens", "op": "eq", "value": 1}))
    assert "contact.attributes @>" in sql


LEAF = {"field": "email", "op": "contains", "value": "a"}


@pytest.mark.parametrize(
    ("definition", "position", "says"),
    [
        ([], "", "a group or a condition is expected"),
        ({"all": {}}, "", "needs a list"),
        ({"all": [], "any": []}, "", "one key only"),
        (
            {"all": [LEAF, {"any": [LEAF, {"field": "hist", "op": "gt"}]}]},
            "2.2",
            "no field is called “hist”",
        ),
        ({"all": [{"field": "history", "op": "gt", "value": "200"}]}, "1", "a number is expected, not “200”"),
        ({"all": [{"field": "history", "op": "like", "value": 2}]}, "1", "cannot be “like”"),
        ({"all": [{"field": "history", "op": "between", "value": [1]}]}, "1", "two values are expected"),
        ({"all": [{"field": "history", "op": "gt", "value": float("nan")}]}, "1", "a number is expected"),
        ({"all": [{"field": "history", "op": "is_set", "value": 1}]}, "1", "“value” is not known here"),
        ({"all": [{"field": "created_at", "op": "before", "value": "2026-02-30"}]}, "1", "a day like"),
        ({"all": [{"field": "email", "op": "contains", "value": "a\x00b"}]}, "1", "no database keeps"),
        ({"all": [{"field": "email", "op": "contains", "value": "\ud800"}]}, "1", "no database keeps"),
        ({"all": [{"tag": "vip", "op": "have"}]}, "1", "cannot be “have”"),
        ({"all": [{"tag": "vip", "permission": "news"}]}, "1", "exactly one of these keys"),
        ({"all": [{"permission": "nothing", "op": "granted"}]}, "1", "no topic is called “nothing”"),
        ({"all": [{"engagement": "opened", "op": "did", "campaign": 4711}]}, "1", "no launched campaign"),
        ({"all": [{"engagement": "opened", "op": "did", "campaign": 1, "within_days": 3}]}, "1", "give one of"),
        ({"all": [{"orders": 3}]}, "1", "exactly one of these keys"),
    ],
)
def test_an_error_names_the_condition_and_the_reason(
    session: Session, definition: object, position: str, says: str
) -> None:
    make_field(session, "history", "number")
    with pytest.raises(SegmentError) as caught:
        segments.compile(session, definition)
    assert caught.value.position == position
    assert says in str(caught.value)


def test_trees_have_bounds(session: Session) -> None:
    deep: dict = LEAF
    for _ in range(30):
        deep = {"all": [deep]}
    for definition in (deep, {"any": [LEAF] * 201}):
        with pytest.raises(SegmentError):
            segments.compile(session, definition)


def test_a_segment_in_words(session: Session) -> None:
    make_field(session, "history", "number")
    definition = {"all": [{"field": "history", "op": "gt", "value": 200}, {"any": [{"tag": "vip"}, {"tag": "new"}]}]}
    words = segments.describe(definition, segments.Context.of(session))
    assert words == "History is greater than 200 and (Tag is vip or Tag is new)"


def test_a_stored_segment_knows_its_count_and_refuses_a_second_one_of_its_name(session: Session) -> None:
    make_contact(session)
    segment_id = service.create(session, "  Every   body ", {"all": []})
    stored = segments.segment(session, segment_id)
    assert (stored.name, stored.last_count) == ("Every body", 1)
    with pytest.raises(Exception, match="already"):
        service.create(session, "Every body", {"all": []})
    with pytest.raises(Exception, match="Somebody else"):
        service.update(session, segment_id, "All", {"all": []}, seen=datetime(2020, 1, 1, tzinfo=UTC))
    json.dumps(stored.definition)
