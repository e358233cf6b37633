"""Segments made of segments, lists and samples: loops are named, errors say where, draws stay what they are."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from campaigns.errors import SegmentError
from campaigns.queries import segments
from campaigns.services import segments as service
from tests.factories.customers import make_contact, make_contacts

TAG = {"tag": "vip", "op": "has"}


def store(session: Session, name: str, *members: dict[str, object]) -> int:
    return service.create(session, name, {"all": list(members)})


def test_a_segment_inside_a_segment_follows_its_changes(session: Session) -> None:
    vip = make_contact(session, tags=("vip",))
    other = make_contact(session, tags=("customer",))
    inner = store(session, "Inner", TAG)
    outer = store(session, "Outer", {"segment": inner, "op": "in"})
    assert list(session.scalars(segments.compile(session, {"segment": outer}))) == [vip]
    service.update(session, inner, "Inner", {"all": [{"tag": "customer"}]})
    assert list(session.scalars(segments.compile(session, {"segment": outer}))) == [other]
    statement = str(segments.compile(session, {"any": [{"segment": outer}, {"segment": inner, "op": "not_in"}]}))
    assert statement.count("SELECT") == 1


def test_a_loop_is_refused_by_name_and_nothing_is_saved(session: Session) -> None:
    tea = store(session, "Tea", TAG)
    loyal = store(session, "Loyal", {"segment": tea})
    gone = store(session, "Gone", {"any": [TAG, {"none": [{"segment": loyal}]}]})
    with pytest.raises(SegmentError) as caught:
        service.update(session, tea, "Tea", {"all": [TAG, {"segment": gone, "op": "not_in"}]})
    assert "“Tea” → “Gone” → “Loyal” → “Tea”" in str(caught.value)
    assert caught.value.position == "2"
    assert segments.segment(session, tea).definition == {"all": [TAG]}
    with pytest.raises(SegmentError, match="“Tea” → “Tea”"):
        service.update(session, tea, "Tea", {"segment": tea})


def test_a_loop_that_got_into_the_base_ends_in_a_sentence(session: Session) -> None:
    """Two people may save the two halves of one at the same time."""
    one, other = store(session, "One", TAG), store(session, "Other", TAG)
    for segment_id, inside in ((one, other), (other, one)):
        session.execute(
            text("UPDATE segment SET definition = jsonb_build_object('segment', CAST(:inside AS int)) WHERE id = :id"),
            {"inside": inside, "id": segment_id},
        )
    session.expire_all()
    with pytest.raises(SegmentError, match="“One” → “Other” → “One”"):
        segments.count(session, {"segment": one})


def test_a_tower_of_segments_is_neither_too_deep_nor_too_large(session: Session) -> None:
    floor = store(session, "Floor 0", TAG)
    for number in range(1, 7):
        floor = store(session, f"Floor {number}", {"segment": floor}, {"segment": floor, "op": "not_in"})
    with pytest.raises(SegmentError, match="conditions at most"):
        store(session, "Roof", {"segment": floor}, {"segment": floor})
    for number in range(7, 9):
        floor = store(session, f"Floor {number}", {"segment": floor})
    with pytest.raises(SegmentError, match="deep at most"):
        store(session, "Roof", {"segment": floor})


def test_what_is_wrong_inside_is_told_with_the_segment_that_it_is_in(session: Session) -> None:
    broken = store(session, "Broken", TAG)
    session.execute(
        text("UPDATE segment SET definition = CAST(:definition AS jsonb) WHERE id = :id"),
        {"definition": '{"all": [{"field": "gone", "op": "eq", "value": "x"}]}', "id": broken},
    )
    session.expire_all()
    with pytest.raises(SegmentError) as caught:
        segments.compile(session, {"all": [TAG, {"segment": broken}]})
    assert caught.value.position == "2"
    assert "“Broken” cannot be read: Condition 1" in str(caught.value)


@pytest.mark.parametrize(
    ("leaf", "says"),
    [
        ({"segment": 4711}, "no segment with the number 4711"),
        ({"segment": "Tea"}, "a whole number"),
        ({"segment": 2**80}, "a whole number"),
        ({"list": 4711}, "no list with the number 4711"),
        ({"list": [1]}, "a whole number"),
        ({"sample": 0}, "a share of more than 0"),
        ({"sample": 100}, "a share of more than 0"),
        ({"sample": "10"}, "a number is expected"),
        ({"sample": 10, "seed": -1}, "a whole number"),
        ({"sample": 10, "seed": 2**40}, "a whole number"),
        ({"sample": 10, "of": 3}, "“of” is not known here"),
        ({"suppression": "hard"}, "cannot be “hard”"),
        ({"suppression": "any", "topic": "x"}, "no topic is called “x”"),
        ({"geography": "area", "value": "EU"}, "cannot be “EU”"),
        ({"geography": "near", "of": [91, 0], "km": 3}, "a latitude from"),
        ({"geography": "near", "of": [1, 2], "km": 0}, "“km” is a distance"),
        ({"geography": "near", "of": [1, 2], "km": 5, "latitude": "email"}, "Number fields: none yet"),
        ({"engagement": "opened", "op": "did", "times": 0}, "a whole number"),
        ({"permission": "x", "op": "granted"}, "no topic"),
    ],
)
def test_hostile_leaves_are_refused(session: Session, leaf: dict[str, object], says: str) -> None:
    with pytest.raises(SegmentError) as caught:
        segments.compile(session, {"all": [leaf]})
    assert caught.value.position == "1" and says in str(caught.value)


def test_a_draw_is_stable_and_larger_draws_hold_the_smaller(session: Session) -> None:
    make_contacts(session, 300)

    def drawn(percent: float, seed: int) -> set[int]:
        return set(session.scalars(segments.compile(session, {"sample": percent, "seed": seed})))

    small, large, again, other = drawn(10, 7), drawn(40, 7), drawn(10, 7), drawn(10, 8)
    assert small == again and small < large and small != other
    assert 10 < len(small) < 60 and 80 < len(large) < 160
    make_contacts(session, 50)
    assert small <= drawn(10, 7)
