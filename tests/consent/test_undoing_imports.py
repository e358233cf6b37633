"""An import taken back: values restored where nobody changed them since, its people gone, its permissions ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import Conflict
from app.customers.engine import importing
from app.customers.queries import contacts, imports
from app.customers.services import importing as registries
from app.customers.services.contacts import edit
from app.customers.services.importing import batches, undoing
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from consent.policy.ladder import Level, State
from consent.policy.standing import Actor
from consent.queries import permissions
from consent.queries.verify import verify
from consent.services import departures, retracting
from consent.services.importing import record
from consent.services.withdraw import withdraw
from tests.factories import consent as make
from tests.factories.customers import make_field


@pytest.fixture
def bring(db, tmp_path: Path):
    registries.sinks.add("permission", record)
    registries.leavers.add("permission", departures.record)
    undoing.retractions.add("permission", retracting.retract)
    undoing.traces.add("permission", retracting.keep_active)
    undoing.removals.add("permission", retracting.forget)

    def run(content: str, topic_id: int | None = None, level: str = "opt_in") -> int:
        path = tmp_path / "people.csv"
        path.write_text(content)
        with unit_of_work() as session:
            batch_id = batches.create(session, inspect(path, tmp_path), "people.csv")
            mapping = imports.batch(session, batch_id).mapping
            stated = (level, "consent") if topic_id else ("", "")
            batches.prepare(session, batch_id, mapping, Statement(topic_id, *stated, "a list", "kept"))
        assert importing.run(batch_id).status == "done"
        return batch_id

    return run


def take_back(batch_id: int) -> dict[str, int]:
    with unit_of_work() as session:
        undoing.request(session, batch_id, 7)
    undone = importing.undo(batch_id)
    assert undone.status == "undone"
    return {name: undone.undone[name] for name in ("restored", "ended", "removed", "kept")}


def person(address: str) -> contacts.ContactInfo | None:
    with unit_of_work() as session:
        return contacts.by_address(session, address)


def test_values_come_back_where_nobody_changed_them_since(bring):
    with unit_of_work() as session:
        make_field(session, "one")
        make_field(session, "two", "number")
    bring("email,first name,country,tags,one,two\na@example.com,Ada,FR,x,1,1\nb@example.com,Bob,,,,\n")
    second = bring(
        "email,first name,country,tags,one,two\na@example.com,Eve,GB,y,2,2\nb@example.com,Ben,GB,y,2,2\n"
        "a@example.com,Eva,GB,y,2,3\nc@example.com,Cy,,,,\n"
    )
    with unit_of_work() as session:
        edit(session, contacts.by_address(session, "b@example.com").id, {"first_name": "Staff", "two": "9"})
    assert take_back(second) == {"restored": 2, "ended": 0, "removed": 1, "kept": 0}
    ada, bob = person("a@example.com"), person("b@example.com")
    assert (ada.first_name, ada.country, ada.tags, ada.attributes) == ("Ada", "FR", ("x",), {"one": "1", "two": 1})
    assert (bob.first_name, bob.country, bob.tags, bob.attributes) == ("Staff", None, (), {"two": 9})
    assert person("c@example.com") is None
    with unit_of_work() as session, pytest.raises(Conflict):
        undoing.request(session, second, None)
    assert importing.run(second).status == "undone", "a late job must not start it again"


def test_permissions_end_by_an_entry_and_what_stood_stands_again(bring):
    with unit_of_work() as session:
        topic = make.make_topic(session)
        known, acted, unasked = (make.make_contact(session, f"{name}@example.com") for name in ("known", "acted", "un"))
        make.grant(session, known, topic, level=Level.OPT_IN)
    batch = bring(
        "email,unsubscribed\nknown@example.com,\nacted@example.com,\nun@example.com,\nnew@example.com,\n"
        "left@example.com,2024-01-01\n",
        topic,
        "confirmed",
    )
    new, left = person("new@example.com").id, person("left@example.com").id
    with unit_of_work() as session:
        withdraw(session, acted, [topic], actor=Actor.SUBSCRIBER)
    assert take_back(batch) == {"restored": 0, "ended": 3, "removed": 2, "kept": 0}
    with unit_of_work() as session:
        standing = {one: permissions.of_contact(session, one)[topic] for one in (known, acted, unasked, new)}
        assert verify(session).broken is None
        refused = session.execute(text("SELECT reason, scope FROM suppression")).all()
        proofs = text(
            "SELECT count(*) FROM permission_evidence JOIN permission_event e ON e.id = event_id"
            " WHERE contact_id = ANY (:ids)"
        )
        assert session.scalar(proofs, {"ids": [new, left]}) == 0
    assert (standing[known].state, standing[known].level) == (State.GRANTED, Level.OPT_IN)
    assert [standing[one].state for one in (acted, unasked, new)] == [State.WITHDRAWN, State.EXPIRED, State.EXPIRED]
    assert refused == [("import", "topic")], "who left stays left"
    again = bring("email\nun@example.com\nnew@example.com\nleft@example.com\n", topic)
    with unit_of_work() as session:
        done = imports.batch(session, again)
    assert (done.added, done.permitted, done.refused) == (2, 2, {"suppressed": 1})


def test_who_did_something_since_stays(bring):
    with unit_of_work() as session:
        topic = make.make_topic(session)
    batch = bring("email\na@example.com\nb@example.com\n", topic)
    with unit_of_work() as session:
        make.grant(session, contacts.by_address(session, "a@example.com").id, topic, level=Level.CONFIRMED)
    assert take_back(batch) == {"restored": 0, "ended": 1, "removed": 1, "kept": 1}
    with unit_of_work() as session:
        kept = permissions.of_contact(session, contacts.by_address(session, "a@example.com").id)[topic]
    assert (kept.state, kept.level) == (State.GRANTED, Level.CONFIRMED)


def test_it_goes_on_where_it_was_killed(bring, monkeypatch):
    monkeypatch.setattr(undoing, "PART", 10)
    batch = bring("email\n" + "".join(f"p{n}@example.com\n" for n in range(35)))
    with unit_of_work() as session:
        undoing.request(session, batch, None)
    with unit_of_work() as session:
        assert undoing.step(session, batch)
    with pytest.raises(RuntimeError), unit_of_work() as session:
        undoing.step(session, batch)
        raise RuntimeError("killed before the commit")
    assert importing.undo(batch).undone["removed"] == 35
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM contact WHERE erased_at IS NULL")) == 0
