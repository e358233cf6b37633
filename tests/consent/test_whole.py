"""Verifying: whatever single thing is changed, removed, swapped or added, is found and named; anchors find the rest."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import unit_of_work
from consent.commands import consent
from consent.errors import LedgerBroken
from consent.policy import anchor_file, chain
from consent.policy.merkle import Tree
from consent.policy.standing import Action, Actor, Subject
from consent.queries import anchors, walk
from consent.queries.verify import Break, verify
from consent.services.anchors import make as make_anchor
from consent.services.anchors import make_daily
from consent.services.erase import erase
from consent.services.ledger import Entry, append
from consent.services.objections import complain, object_to_marketing
from consent.tasks.anchors import anchor as anchor_job
from tests.conftest import Clock
from tests.factories import consent as make

UNLOCK = (
    "ALTER TABLE permission_event DISABLE TRIGGER permission_event_append_only",
    "ALTER TABLE ledger_anchor DISABLE TRIGGER ledger_anchor_append_only",
)


def ledger(session: Session) -> list[int]:
    """Chains of every kind: five people, sixteen entries, every projection."""
    brand = make.make_brand(session)
    news, offers = make.make_topic(session, brand), make.make_topic(session, brand)
    one, two, three, four, five = (make.make_contact(session) for _ in range(5))
    for person in (one, two, three, four, five):
        make.grant(session, person, news, expires_at=clock.now() + timedelta(days=900))
    make.act(session, two, Action.REQUEST, topic_id=offers)
    make.grant(session, two, offers)
    make.track(session, two, brand)
    make.track(session, two, brand, granted=False)
    make.act(session, two, Action.WITHDRAW, topic_id=news)
    append(session, two, Entry(Subject.CONTACT, Action.CORRECT, Actor.STAFF, actor_id=3))
    object_to_marketing(session, three, actor=Actor.SUBSCRIBER)
    complain(session, four)
    erase(session, five, actor=Actor.SUBSCRIBER)
    return [one, two, three, four, five]


def unlock(session: Session) -> None:
    for statement in UNLOCK:
        session.execute(text(statement))


def broken(session: Session) -> Break | None:
    """What verify says, against the newest anchor when there is one."""
    newest = anchors.latest(session)
    return verify(session, anchors.check(session, newest.number) if newest else None).broken


def test_a_ledger_of_every_kind_verifies_in_any_batches(session: Session) -> None:
    ledger(session)
    whole = verify(session)
    assert whole.broken is None
    assert (whole.chains, whole.permissions) == (5, 7)
    for size in (1, 2, 7):
        assert sum(len(held.entries) for held in walk.walk(session, size)) == whole.entries


# Every column of every row, one at a time


COLUMNS = {
    "permission_event": ("contact_id", "seq"),
    "permission_evidence": ("event_id",),
    "permission": ("contact_id", "topic_id"),
    "tracking_permission": ("contact_id", "brand_id"),
}
# What a column becomes: any other value that its table takes.
OTHERS = {
    "bigint": "coalesce({0}, 0) + 1000",
    "integer": "coalesce({0}, 0) + 1000",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 microsecond'",
    "bytea": "sha256(coalesce({0}, ''::bytea))",
    "jsonb": '{0} || \'{{"added": "later"}}\'',
    "boolean": "NOT {0}",
}
TEXTS = {
    "subject": "CASE {0} WHEN 'topic' THEN 'marketing' ELSE 'topic' END",
    "state": "CASE {0} WHEN 'granted' THEN 'withdrawn' ELSE 'granted' END",
    "level": "CASE {0} WHEN 'confirmed' THEN 'opt_in' ELSE 'confirmed' END",
    "basis": "CASE {0} WHEN 'consent' THEN 'b2b_interest' ELSE 'consent' END",
    "actor": "CASE {0} WHEN 'staff' THEN 'import' ELSE 'staff' END",
    "action": "CASE {0} WHEN 'merge' THEN 'correct' ELSE 'merge' END",
    "language": "coalesce({0}, 'e') || 'n'",
}


def changes(session: Session) -> list[tuple[str, str, str]]:
    """Every (table, column, row) there is, the row by its ctid."""
    found = []
    for table in COLUMNS:
        columns = session.execute(
            text("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table"),
            {"table": table},
        ).all()
        for place in session.scalars(text(f"SELECT ctid::text FROM {table}")):
            found += [(table, name, TEXTS.get(name) or OTHERS[kind], place) for name, kind in columns]
    return found  # type: ignore[return-value]


def test_row_36_any_single_change_of_any_column_of_any_row_is_found(session: Session) -> None:
    ledger(session)
    unlock(session)
    tried = changes(session)
    assert len(tried) > 400
    for table, column, other, place in tried:
        with session.begin_nested() as savepoint:
            changed = session.execute(
                text(f"UPDATE {table} SET {column} = {other.format(column)} WHERE ctid = CAST(:place AS tid)"),
                {"place": place},
            )
            assert changed.rowcount == 1
            assert verify(session).broken is not None, (table, column, place)
            savepoint.rollback()
    assert verify(session).broken is None


@pytest.mark.parametrize("column", ["objected_at", "complained_at", "erased_at"])
def test_a_mark_on_a_contact_that_the_ledger_does_not_know_is_found(session: Session, column: str) -> None:
    for person in ledger(session):
        with session.begin_nested() as savepoint:
            other = f"CASE WHEN {column} IS NULL THEN now() END"
            session.execute(text(f"UPDATE contact SET {column} = {other} WHERE id = :id"), {"id": person})
            found = verify(session).broken
            assert found is not None
            assert (found.contact_id, found.what) == (person, f"{column} of the contact is not what the ledger says")
            savepoint.rollback()


shared = hypothesis_settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@shared
@given(data=st.data())
def test_removed_swapped_cut_and_vanished_are_found_and_named(session: Session, data: st.DataObject) -> None:
    """With an anchor, whatever was lost is named, however well its traces were wiped."""
    with session.begin_nested() as savepoint:
        people = ledger(session)
        make_anchor(session)
        make.grant(session, people[0], make.make_topic(session))  # what comes later disturbs no anchor
        assert broken(session) is None
        unlock(session)
        rows = session.execute(
            text("SELECT id, contact_id, seq FROM permission_event WHERE contact_id <> :one"), {"one": people[0]}
        ).all()
        victim = data.draw(st.sampled_from(rows))
        how = data.draw(st.sampled_from(["removed", "swapped", "cut", "vanished"]))
        tamper(session, how, victim.id, victim.contact_id, victim.seq)
        found = broken(session)
        assert found is not None
        assert found.contact_id == victim.contact_id, (how, found)
        savepoint.rollback()
    session.expire_all()


def tamper(session: Session, how: str, event_id: int, contact_id: int, seq: int) -> None:
    """Do it as somebody does who knows the tables: nothing that refers to what is gone is left."""
    conditions = {
        "removed": "id = :id",
        "cut": "contact_id = :contact AND seq >= :seq",
        "vanished": "contact_id = :contact",
    }
    values = {"id": event_id, "contact": contact_id, "seq": seq}
    if how == "swapped":
        other = "(SELECT min(id) FROM permission_event WHERE contact_id = :contact AND id <> :id)"
        session.execute(text(f"UPDATE permission_event SET seq = 0 - seq WHERE id IN (:id, {other})"), values)
        pair = "(SELECT id, row_number() OVER (ORDER BY seq) n, 0 - seq s FROM permission_event WHERE seq < 0)"
        session.execute(
            text(
                f"UPDATE permission_event e SET seq = other.s FROM {pair} mine, {pair} other"
                " WHERE e.id = mine.id AND other.id <> mine.id"
            )
        )
        if session.scalar(text("SELECT count(*) FROM permission_event WHERE seq < 0")):
            session.execute(text("UPDATE permission_event SET seq = 1000 WHERE seq < 0"))
        return
    gone = f"SELECT id FROM permission_event WHERE {conditions[how]}"
    session.execute(text(f"DELETE FROM permission_evidence WHERE event_id IN ({gone})"), values)
    session.execute(text(f"DELETE FROM permission WHERE event_id IN ({gone})"), values)
    session.execute(text(f"DELETE FROM tracking_permission WHERE event_id IN ({gone})"), values)
    if how == "vanished":
        session.execute(
            text("UPDATE contact SET objected_at = NULL, complained_at = NULL, erased_at = NULL WHERE id = :contact"),
            values,
        )
    session.execute(text(f"DELETE FROM permission_event WHERE {conditions[how]}"), values)


def test_evidence_of_nothing_is_found(session: Session) -> None:
    people = ledger(session)
    session.execute(text("INSERT INTO permission_evidence VALUES (:id, '\\x00', '{}')"), {"id": 10**9})
    found = verify(session).broken
    assert found == Break(None, None, 10**9, "evidence is here whose entry is not")
    assert people


def test_entries_hashed_in_the_former_form_still_verify(session: Session) -> None:
    from consent.models import PermissionEvent
    from consent.services.ledger import record_of

    topic = make.make_topic(session)
    person = make.permitted_contact(session, topic)
    unlock(session)
    entry = session.query(PermissionEvent).filter_by(contact_id=person).one()
    entry.hash = chain.link(entry.prev_hash, record_of(entry), chain.FORMER)
    session.flush()
    make.act(session, person, Action.WITHDRAW, topic_id=topic)
    assert verify(session).broken is None


# The tree and the files


def split(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    import hashlib

    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + split(leaves[:k]) + split(leaves[k:])).digest()


@given(leaves=st.lists(st.binary(max_size=50), max_size=70))
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == split(leaves)


@given(chains=st.dictionaries(st.integers(1, 2**62), st.integers(1, 2**31 - 1), max_size=300))
def test_lengths_are_packed_and_read_again(chains: dict[int, int]) -> None:
    packer = anchor_file.Lengths()
    for contact_id in sorted(chains):
        packer.add(contact_id, chains[contact_id])
    read = [(leaf.contact_id, leaf.length) for leaf in anchor_file.lengths(packer.packed())]
    assert read == sorted(chains.items())


def test_anchors_are_sealed_one_into_the_next_and_append_only(session: Session) -> None:
    ledger(session)
    one, two = make_anchor(session), make_anchor(session)
    assert (one.number, two.number, one.root) == (1, 2, two.root) and two.previous == one.seal
    for statement in ("UPDATE ledger_anchor SET chains = 1", "DELETE FROM ledger_anchor", "TRUNCATE ledger_anchor"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(statement))
    unlock(session)
    with session.begin_nested() as savepoint:
        session.execute(text("UPDATE ledger_anchor SET made_at = made_at - interval '1 day' WHERE number = 1"))
        assert "anchor 1: the anchor was changed" in str(broken(session))
        savepoint.rollback()
    session.execute(text("DELETE FROM ledger_anchor WHERE number = 1"))
    assert "anchor 1: the anchor is missing" in str(broken(session))


def test_no_anchor_is_made_over_a_ledger_that_has_lost_something(session: Session) -> None:
    people = ledger(session)
    make_anchor(session)
    unlock(session)
    for gone in ("contact_id = :two", "contact_id = :two AND seq > 3"):
        with session.begin_nested() as savepoint:
            session.execute(text(f"DELETE FROM permission_event WHERE {gone}"), {"two": people[1]})
            with pytest.raises(LedgerBroken, match=f"contact {people[1]}"):
                make_anchor(session)
            savepoint.rollback()


def test_one_anchor_a_day(db: Engine, clock: Clock) -> None:
    with unit_of_work() as session:
        ledger(session)
    for _ in range(2):
        anchor_job.function()
    with unit_of_work() as session:
        first = anchors.latest(session)
        assert first is not None and first.number == 1 and make_daily(session) is None
    clock.forward(timedelta(days=1))
    anchor_job.function()
    with unit_of_work() as session:
        second = anchors.latest(session)
        assert second is not None and second.number == 2 and second.previous == first.seal


# The command line


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(consent, arguments)
    if result.exit_code != code:
        raise AssertionError(result.output) from result.exception
    return result


@pytest.fixture
def people(db: Engine) -> list[int]:
    with unit_of_work() as session:
        return ledger(session)


def tampered(*statements: str, **values: object) -> None:
    with unit_of_work() as session:
        unlock(session)
        for statement in statements:
            session.execute(text(statement), values)


@pytest.mark.parametrize("name", ["anchor.jsonl", "anchor.jsonl.gz"])
def test_an_exported_anchor_names_what_was_lost(people: list[int], tmp_path: Path, name: str) -> None:
    path, root = tmp_path / name, tmp_path / "root.json"
    stated = json.loads(run("anchor", "--export", str(path)).stdout)
    assert (stated["number"], stated["chains"]) == (1, 5)
    run("anchor", "--number", "1", "--root", "--export", str(root))
    assert len(root.read_text().splitlines()) == 1
    raw = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    assert len(raw.splitlines()) == 6
    with unit_of_work() as session:  # life goes on: an erasure, a new chain, a longer one
        erase(session, people[0], actor=Actor.SUBSCRIBER)
        make.permitted_contact(session, make.make_topic(session))
    assert json.loads(run("verify", "--anchor", str(path)).stdout)["ok"] is True
    assert json.loads(run("verify", "--anchor", str(root)).stdout)["anchor"] == 1

    # Somebody who may do anything in the database rewrites a chain whole, anchors and all.
    tampered("DELETE FROM ledger_anchor")
    with unit_of_work() as session:
        tampered(
            "DELETE FROM permission_evidence WHERE event_id IN"
            " (SELECT id FROM permission_event WHERE contact_id = :id)",
            "DELETE FROM permission WHERE contact_id = :id",
            "DELETE FROM permission_event WHERE contact_id = :id",
            "UPDATE contact SET objected_at = NULL WHERE id = :id",
            id=people[2],
        )
    assert json.loads(run("verify").stdout)["ok"] is True  # nothing inside the database shows it
    found = json.loads(run("verify", "--anchor", str(path), code=1).stdout)["broken"]
    assert found["contact_id"] == people[2] and "vanished" in found["what"]
    with unit_of_work() as session:
        make.grant(session, people[2], make.make_topic(session))
        object_to_marketing(session, people[2], actor=Actor.SUBSCRIBER)
    found = json.loads(run("verify", "--anchor", str(path), code=1).stdout)["broken"]
    assert (found["contact_id"], found["what"]) == (people[2], "the entry is not the one that was anchored")
    assert "should keep anchor 1" in str(CliRunner().invoke(consent, ["verify", "--anchor", str(root)]).exception)


def test_a_root_alone_finds_a_rewritten_chain(people: list[int], tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    run("anchor", "--root", "--export", str(root))
    tampered(
        "DELETE FROM permission_evidence WHERE event_id IN (SELECT id FROM permission_event WHERE contact_id = :id)",
        "DELETE FROM permission WHERE contact_id = :id",
        "DELETE FROM permission_event WHERE contact_id = :id",
        id=people[0],
    )
    with unit_of_work() as session:
        make.grant(session, people[0], make.make_topic(session))
    result = run("verify", "--anchor", str(root), code=1)
    assert "some chain is not what anchor 1 holds" in result.stderr
    with pytest.raises(LedgerBroken):
        CliRunner().invoke(
            consent, ["anchor", "--number", "1", "--export", str(tmp_path / "no")], catch_exceptions=False
        )
    assert not [path for path in tmp_path.iterdir() if "no" in path.name]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda raw: b"", "no anchor"),
        (lambda raw: b"\xff\xfe", "no anchor"),
        (lambda raw: raw.replace(b'"chains": 5', b'"chains": 6'), "its seal does not fit"),
        (lambda raw: raw[: raw.rstrip().rfind(b"\n") + 1], "its leaves do not give its root"),
        (lambda raw: raw + b"[1, 2]\n", "Line 7"),
        (lambda raw: gzip.compress(raw)[:200], "cut short"),
    ],
)
def test_a_damaged_file_is_refused(people: list[int], tmp_path: Path, spoil: object, says: str) -> None:
    path = tmp_path / "anchor.jsonl"
    run("anchor", "--export", str(path))
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    assert says in str(CliRunner().invoke(consent, ["verify", "--anchor", str(path)]).exception)


def test_bad_usage_of_anchor_ends_with_2(db: Engine) -> None:
    run("anchor", "--root", code=2)
