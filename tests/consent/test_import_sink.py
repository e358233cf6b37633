"""Permission by import: as the ledger would write it, and never over what a person decided."""

from __future__ import annotations

import threading
import time

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import unit_of_work
from app.customers.services.importing import PermissionTerms, SinkResult
from consent.models import PermissionEvent, PermissionEvidence, Suppression
from consent.policy import chain
from consent.policy.ladder import Level, State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions
from consent.services import importing
from consent.services.ledger import Entry, append, record_of
from tests.factories import consent as make


def terms(topic_id: int, basis: str = "consent", level: str = "opt_in", evidence: str = "list.pdf") -> PermissionTerms:
    return PermissionTerms(7, topic_id, level, basis, "Fair in Lyon", evidence, clock.now(), "en")


def bring(session: Session, contact_ids: list[int], given: PermissionTerms) -> SinkResult:
    session.execute(text("DROP TABLE IF EXISTS pg_temp.people"))
    session.execute(text("CREATE TEMP TABLE people (contact_id bigint, address_key bytea) ON COMMIT DROP"))
    session.execute(
        text("INSERT INTO people SELECT id, address_key FROM contact WHERE id = ANY(:ids)"), {"ids": contact_ids}
    )
    return importing.record(session, given, "people")


def test_an_import_writes_chained_and_proven_entries(session: Session) -> None:
    topic = make.make_topic(session)
    fresh, asked = make.make_contact(session, "Zoë@example.com"), make.make_contact(session)
    make.act(session, asked, Action.REQUEST, topic_id=topic)
    assert bring(session, [fresh, asked], terms(topic)) == SinkResult(2, {})
    for contact_id, seq in ((fresh, 1), (asked, 2)):
        event = session.scalars(
            select(PermissionEvent).where(PermissionEvent.contact_id == contact_id, PermissionEvent.seq == seq)
        ).one()
        assert event.hash == chain.link(event.prev_hash, record_of(event))
        proof = session.get_one(PermissionEvidence, event.id)
        assert event.evidence_digest == chain.digest(proof.salt, proof.detail)
        standing = permissions.of_contact(session, contact_id)[topic]
        assert (standing.state, standing.level, standing.event_id) == (State.GRANTED, Level.OPT_IN, event.id)
    assert session.get_one(PermissionEvidence, standing.event_id).detail["source"] == "Fair in Lyon"


def test_a_repeated_import_changes_nothing(session: Session) -> None:
    topic = make.make_topic(session)
    people = [make.make_contact(session) for _ in range(3)]
    first = bring(session, people, terms(topic))
    before = session.execute(text("SELECT count(*) FROM permission_event")).scalar_one()
    assert bring(session, people, terms(topic)) == first == SinkResult(3, {})
    assert session.execute(text("SELECT count(*) FROM permission_event")).scalar_one() == before


def test_an_import_never_lifts_what_a_person_decided(session: Session) -> None:
    topic = make.make_topic(session)
    people = [make.make_contact(session, f"p{n}@example.com") for n in range(6)]
    withdrawn, objected, complained, suppressed, stronger, _ = people
    make.grant(session, withdrawn, topic)
    make.act(session, withdrawn, Action.WITHDRAW, topic_id=topic)
    append(session, objected, Entry(Subject.MARKETING, Action.OBJECT, Actor.SUBSCRIBER))
    append(session, complained, Entry(Subject.MARKETING, Action.COMPLAIN, Actor.SYSTEM))
    key = session.execute(text("SELECT address_key FROM contact WHERE id = :id"), {"id": suppressed}).scalar_one()
    session.add(Suppression(kind="address", address_key=key, reason="hard_bounce"))
    make.grant(session, stronger, topic)
    session.flush()
    assert bring(session, people, terms(topic)) == SinkResult(
        2, {"permission_withdrawn": 1, "objected": 1, "complained": 1, "suppressed": 1}
    )
    assert permissions.of_contact(session, withdrawn)[topic].state is State.WITHDRAWN
    assert permissions.of_contact(session, stronger)[topic].level is Level.CONFIRMED


def test_64000_people_take_seconds(db: Engine) -> None:
    with unit_of_work() as session:
        topic = make.make_topic(session)
        session.execute(
            text(
                "INSERT INTO contact (email, email_key, address_key) SELECT e, e, sha256(e::bytea)"
                " FROM (SELECT 'p' || n || '@example.com' e FROM generate_series(1, 64000) n) made"
            )
        )
    with unit_of_work() as session:
        session.execute(text("CREATE TEMP TABLE people AS SELECT id AS contact_id, address_key FROM contact"))
        began = time.perf_counter()
        assert importing.record(session, terms(topic), "people") == SinkResult(64000, {})
        took = time.perf_counter() - began
    print(f"64,000 people in {took:.2f} s")
    assert took < 20  # about 2 s on an idle machine; this only catches a plan gone wrong


def test_a_withdrawal_that_commits_while_an_import_waits_for_it_stands(db: Engine) -> None:
    with unit_of_work() as session:
        topic, person = make.make_topic(session), make.make_contact(session)
        make.grant(session, person, topic, level=Level.OPT_IN)
    results: list[SinkResult] = []

    def run() -> None:
        with unit_of_work() as session:
            results.append(bring(session, [person], terms(topic, level="confirmed")))

    importer = threading.Thread(target=run)
    with unit_of_work() as session:
        make.act(session, person, Action.WITHDRAW, topic_id=topic)
        importer.start()
        wait_until_blocked(db)
    importer.join(10)
    assert results == [SinkResult(0, {"permission_withdrawn": 1})]
    with unit_of_work() as session:
        assert permissions.of_contact(session, person)[topic].state is State.WITHDRAWN


def wait_until_blocked(db: Engine) -> None:
    """Return once another connection of this database waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(200):
        with db.connect() as connection:
            if connection.execute(waiting).scalar_one():
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits for a lock")
