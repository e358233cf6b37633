"""What lies behind a count: the condition that excludes most, what segments share, history, snapshots, lists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.policy import Role
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput
from app.customers.services.contacts import erase
from app.customers.services.merging import merge
from campaigns.queries import lists as list_queries
from campaigns.queries import segments
from campaigns.queries.segments import Context
from campaigns.services import lists
from campaigns.services import segments as service
from campaigns.tasks.segments import count_segments
from tests.campaigns.naive_segments import evaluate
from tests.campaigns.segment_trees import leaf, with_ids
from tests.campaigns.test_segments import BRANDS, crowd
from tests.factories.accounts import make_staff, sign_in
from tests.factories.customers import make_contact, make_contacts
from tests.factories.people import Crowd

__all__ = ["crowd"]
TEA, VIP = {"tag": "tea", "op": "has"}, {"tag": "vip", "op": "has"}


def explained(session: Session, definition: object) -> segments.Explanation:
    return segments.explain(session, definition, Context.of(session))


def test_the_condition_that_excludes_most_is_found(session: Session) -> None:
    for tags in (("tea", "vip"), ("tea",), ("tea",), ("vip",), ()):
        make_contact(session, tags=tags)
    found = explained(session, {"all": [TEA, VIP]})
    assert (found.everybody, found.people) == (5, 1)
    assert [(part.alone, part.difference) for part in found.parts] == [(3, 1), (2, 2)]
    assert found.most is not None and found.most.position == "2"
    either = explained(session, {"any": [TEA, VIP]})
    assert [part.difference for part in either.parts] == [-2, -1] and either.most is None
    nobody = explained(session, {"none": [TEA, VIP]})
    assert (nobody.people, [part.difference for part in nobody.parts]) == (1, [2, 1])


def test_explaining_agrees_with_plain_python(session: Session, crowd: Crowd) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(leaf, leaf)
    def agrees(one: dict, other: dict) -> None:
        pair = [with_ids(each, crowd, BRANDS) for each in (one, other)]
        found = explained(session, {"all": pair})
        for part, alone in zip(found.parts, pair, strict=True):
            truths = [evaluate(alone, person, crowd) for person in crowd.people]
            assert (part.alone, part.unknown) == (truths.count(True), truths.count(None))
        assert found.people == segments.count(session, {"all": pair})
        assert found.parts[0].difference == found.parts[1].alone - found.people

    agrees()


def test_what_segments_share(session: Session) -> None:
    for tags in (("tea", "vip"), ("tea",), ("vip",), ("vip",)):
        make_contact(session, tags=tags)
    broken = service.create(session, "Broken", {"all": []})
    session.execute(text("""UPDATE segment SET definition = '{"x": 1}' WHERE id = :id"""), {"id": broken})
    service.create(session, "Important people", VIP)
    service.create(session, "Everybody", {"all": []})
    session.expire_all()
    context = Context.of(session)
    people, shared = segments.overlaps(session, TEA, context, list(context.segments.values()))
    assert people == 2
    assert [(other.name, other.people, other.shared) for other in shared] == [
        ("Everybody", 4, 2),
        ("Important people", 3, 1),
    ]


def test_a_count_has_a_history(client: FlaskClient, clock: object) -> None:
    with unit_of_work() as session:
        segment_id = service.create(session, "Everybody", {"all": []})
        make_contact(session)
    count_segments.function()  # it was counted a moment ago
    clock.forward(timedelta(hours=24))
    count_segments.function()
    with unit_of_work() as session:
        assert [counted.people for counted in segments.history(session, segment_id)] == [0, 1]
        session.execute(text("""UPDATE segment SET definition = '{"x": 1}'"""))
    clock.forward(timedelta(hours=24))
    count_segments.function()  # and one that cannot be counted harms nobody
    with unit_of_work() as session:
        assert segments.segment(session, segment_id).last_count == 1


def test_a_snapshot_stays_what_it_is_but_for_erasure(session: Session) -> None:
    one, two = make_contacts(session, 2)
    segment_id = service.create(session, "Everybody", {"all": []})
    list_id = lists.snapshot(session, segment_id, "Then")
    make_contact(session)
    assert segments.count(session, {"list": list_id}) == 2
    assert segments.count(session, {"all": [{"segment": segment_id}, {"list": list_id, "op": "not_in"}]}) == 1
    erase(session, one)
    assert list(session.scalars(segments.compile(session, {"list": list_id}))) == [two]
    asking = service.create(session, "Of then", {"any": [{"none": [{"list": list_id}]}]})
    with pytest.raises(Conflict, match="“Of then” asks for this list"):
        lists.throw_away(session, list_id)
    service.update(session, asking, "Of then", {"all": []})
    lists.throw_away(session, list_id)
    assert list_queries.lists(session) == []


def test_whom_a_merge_folded_is_on_a_list_as_the_other_and_counted_once(session: Session) -> None:
    kept, folded = make_contact(session, tags=("tea",)), make_contact(session, "ada@example.com", tags=("vip",))
    list_id = lists.upload(session, b"ada@example.com", "Guests").list_id
    merge(session, kept, folded)
    assert list(session.scalars(segments.compile(session, {"list": list_id}))) == [kept]
    assert explained(session, {"all": [{"list": list_id, "op": "in"}]}).everybody == 1


@pytest.mark.parametrize(
    "content",
    [
        b"ada@example.com\r\nBEN@Example.COM\nnobody@example.org\n",
        '\ufeffName;E-Mail\n"Lovelace; Ada";ada@example.com\nBen;ben@EXAMPLE.com\nNo;nobody@example.org\n'.encode(),
        "id\temail\n1\tada@example.com\n2\tben@example.com\n2\tben@example.com\n3\tnobody@example.org".encode("utf-16"),
        "Nom,Adresse\nÉlodie,ada@example.com\nx,ben@example.com\nx,nobody@example.org\n".encode("cp1252"),
        b'"ada@example.com\n\x00ben@example.com\n=HYPERLINK("x"),nobody@example.org\n,,,\n',
    ],
)
def test_an_upload_finds_who_is_there_and_adds_nobody(session: Session, content: bytes) -> None:
    ada, ben = make_contact(session, "ada@example.com"), make_contact(session, "ben@example.com")
    make_contact(session, "other@example.com")
    taken = lists.upload(session, content, "Guests")
    assert (taken.people, taken.unknown) == (2, 1)
    assert set(session.scalars(segments.compile(session, {"list": taken.list_id}))) == {ada, ben}
    assert segments.count(session, {"all": []}) == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\x00" * 1000, b"no address here", b"@", b'"' * 5000])
def test_a_file_without_addresses_is_refused(session: Session, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        lists.upload(session, content, "Nothing")
    assert list_queries.lists(session) == []


def test_the_pages(client: FlaskClient) -> None:
    with unit_of_work() as session:
        make_contact(session, tags=("tea",))
        segment_id = service.create(session, "Tea drinkers", {"all": [TEA]})
        service.create(session, "Everybody", {"all": []})
    make_staff(Role.MARKETER)
    sign_in(client, "marketer@example.com")
    rows = {"r/mode": "all", "r.0/what": "tag:", "r.0/was": "tag:", "r.0/tag": "tea", "r.0/op": "has"}
    assert "Tag is tea" in client.post("/segments/explain", data=rows).text
    assert "Everybody" in client.post("/segments/overlap", data={**rows, "segment": segment_id}).text
    own = {"r/mode": "all", "r.0/what": "segment:", "r.0/was": "segment:", "r.0/of": str(segment_id)}
    for path in ("count", "explain", "overlap"):
        answer = client.post(f"/segments/{path}", data={**own, "segment": segment_id})
        assert answer.status_code == 200 and "made of itself" in answer.text
    assert "come back tomorrow" in client.get(f"/segments/{segment_id}").text
    taken = client.post(f"/segments/lists/snapshot/{segment_id}", data={"name": "Tea <b>then</b>"})
    assert taken.status_code == 302
    page = client.get("/segments/lists").text
    assert "Tea &lt;b&gt;then&lt;/b&gt;" in page
    again = client.post(f"/segments/lists/snapshot/{segment_id}", data={"name": "Tea <b>then</b>"})
    assert again.status_code == 409 and "choose another name" in again.text
    assert client.post("/segments/lists", data={"name": "x"}).status_code == 422
    [found] = _lists()
    assert f'<option value="{found}" selected>' in client.get(f"/segments/new?list={found}").text
    assert client.post(f"/segments/lists/{found}/delete").status_code == 302
    assert _lists() == []


def _lists() -> list[int]:
    with unit_of_work() as session:
        return [one.id for one in list_queries.lists(session)]
