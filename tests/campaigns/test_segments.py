"""Segments: the compiler agrees with plain Python, says what is wrong, and uses bound parameters only."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.brands.queries.brands import brand as brand_of
from app.core import clock
from campaigns.errors import SegmentError
from campaigns.queries import segments
from campaigns.services import segments as service
from consent.queries import topics
from tests.campaigns.naive_segments import evaluate
from tests.campaigns.segment_trees import TOPICS, tree, with_ids
from tests.factories.campaigns import make_campaign, make_segment
from tests.factories.consent import make_brand, make_topic
from tests.factories.customers import make_contact, make_field
from tests.factories.deeds import make_deeds
from tests.factories.people import NOW, Crowd, make_crowd
from tracking.queries import segments as tracking_segments

BRANDS: list[str] = []


@pytest.fixture
def crowd(session: Session, clock: object) -> Crowd:
    clock.to(NOW)
    tracking_segments.register()
    brands = {brand.slug: brand.id for brand in (brand_of(session, make_brand(session)) for _ in range(2))}
    BRANDS[:] = list(brands)
    session.execute(text("UPDATE brand SET time_zone = 'UTC'"))
    slugs = {}
    for slug in TOPICS:
        topic_id = make_topic(session, name=slug)
        slugs[topics.topic(session, topic_id).slug] = topic_id
    assert tuple(slugs) == TOPICS
    made = make_crowd(session, slugs, [make_campaign(session).id for _ in range(3)])
    make_deeds(session, made, brands, slugs)
    french = {"all": [{"field": "country", "op": "eq", "value": "FR"}]}
    unmoved = {"none": [{"engagement": "opened", "op": "did", "last_campaigns": 2}]}
    for definition in (french, unmoved):
        made.segments[make_segment(session, definition)] = definition
    first, second = made.segments
    mixed = {
        "any": [
            {"segment": first, "op": "not_in"},
            {"none": [{"segment": second, "op": "in"}]},
            {"list": made.lists[0], "op": "in"},
        ]
    }
    made.segments[make_segment(session, mixed)] = mixed
    return made


def test_any_tree_gives_the_people_that_plain_python_gives(session: Session, crowd: Crowd) -> None:
    """Sixty people with wrongly typed values, expired permissions and untracked mails among them."""

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    @given(tree)
    @example({"none": [{"engagement": "opened", "op": "did_not"}]})
    @example({"any": []})
    def agrees(tree: dict) -> None:
        definition = with_ids(tree, crowd, BRANDS)
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
        ({"all": [{"bought": 3}]}, "1", "exactly one of these keys"),
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
