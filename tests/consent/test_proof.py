"""Verifying, proving, exporting, erasing and ageing; on the command line, too."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import by_address, contact
from consent.commands import consent
from consent.errors import NotAllowed
from consent.models import PermissionEvidence
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor
from consent.queries import permissions, suppressions
from consent.queries.verify import verify
from consent.services.ageing import expiry
from consent.services.erase import erase
from consent.services.objections import complain
from consent.services.suppress import lift, suppress_address, suppress_addresses
from tests.factories import consent as make

UNLOCK = "ALTER TABLE permission_event DISABLE TRIGGER permission_event_append_only"


def three_chains(session: Session) -> list[int]:
    topic = make.make_topic(session)
    people = [make.permitted_contact(session, topic, f"p{n}@example.com") for n in range(3)]
    make.act(session, people[1], Action.WITHDRAW, topic_id=topic)
    make.grant(session, people[1], topic)
    return people


def test_an_untouched_ledger_verifies(session: Session) -> None:
    three_chains(session)
    found = verify(session)
    assert (found.chains, found.entries, found.broken) == (3, 5, None)


@pytest.mark.parametrize(
    ("tamper", "seq", "what"),
    [
        ("UPDATE permission_event SET level = 'opt_in' WHERE contact_id = :id AND seq = 2", 2, "changed"),
        ("UPDATE permission_event SET at = at - interval '1 second' WHERE contact_id = :id AND seq = 1", 1, "changed"),
        ("UPDATE permission_event SET wording_id = 9 WHERE contact_id = :id AND seq = 3", 3, "changed"),
        ("DELETE FROM permission_event WHERE contact_id = :id AND seq = 2", 3, "missing"),
        ("UPDATE permission_event SET prev_hash = hash WHERE contact_id = :id AND seq = 2", 2, "does not follow"),
        (
            'UPDATE permission_evidence SET detail = \'{"source": "forged"}\' WHERE event_id ='
            " (SELECT id FROM permission_event WHERE contact_id = :id AND seq = 1)",
            1,
            "evidence was changed",
        ),
        (
            "DELETE FROM permission_evidence WHERE event_id ="
            " (SELECT id FROM permission_event WHERE contact_id = :id AND seq = 3)",
            3,
            "evidence is missing",
        ),
    ],
)
def test_a_tampered_ledger_is_found_and_named(session: Session, tamper: str, seq: int, what: str) -> None:
    victim = three_chains(session)[1]
    session.execute(text(UNLOCK))
    session.execute(text(tamper), {"id": victim})
    broken = verify(session).broken
    assert broken is not None
    assert (broken.contact_id, broken.seq) == (victim, seq) and what in broken.what


def test_row_41_an_erased_person_leaves_a_chain_that_verifies_and_nothing_personal(db: Engine) -> None:
    with unit_of_work() as session:
        topic = make.make_topic(session)
        one = make.make_contact(session, "Zelda@example.com", first_name="Zelda", last_name="Quux")
        make.grant(session, one, topic, evidence={"email": "zelda@example.com", "source": "Zelda's card"})
        suppress_address(session, email_key="zelda@example.com", reason="import")
    with unit_of_work() as session:
        erase(session, one, actor=Actor.STAFF)
    with unit_of_work() as session:
        assert verify(session).broken is None
        assert permissions.of_contact(session, one)[topic].state is State.WITHDRAWN
        assert session.query(PermissionEvidence).count() == 0
        assert contact(session, one).erased_at is not None
        tables = session.scalars(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        )
        dump = "".join(
            str(row) for name in list(tables) for row in session.execute(text(f'SELECT t::text FROM "{name}" t'))
        )
        assert "zelda" not in dump.lower() and "quux" not in dump.lower()
        session.execute(
            text("CREATE TEMP TABLE arriving AS SELECT address_key FROM suppression WHERE reason = 'erasure'")
        )
        assert len(suppressions.erased_addresses(session, "arriving")) == 1  # an import is told to leave them out
        with pytest.raises(NotAllowed):
            make.grant(session, one, topic)


def test_a_permission_expires_in_the_ledger(session: Session) -> None:
    topic = make.make_topic(session)
    lapsed, standing = make.make_contact(session), make.make_contact(session)
    make.grant(session, lapsed, topic, expires_at=clock.now() - timedelta(seconds=1))
    make.grant(session, standing, topic, expires_at=clock.now() + timedelta(days=1))
    due = list(session.scalars(expiry.lapsed(clock.now())))
    expiry.expire(session, due)
    assert due == [lapsed] and not list(session.scalars(expiry.lapsed(clock.now())))
    assert permissions.of_contact(session, lapsed)[topic].state is State.EXPIRED
    assert permissions.entries(session, lapsed)[-1].act.actor is Actor.SYSTEM
    assert permissions.of_contact(session, standing)[topic].state is State.GRANTED


def test_staff_lift_bounces_but_not_what_the_person_wanted(session: Session) -> None:
    bounced = suppress_address(session, email_key="a@example.com", reason="hard_bounce")
    assert lift(session, bounced, "The mailbox is back") == "hard_bounce"
    one = make.make_contact(session, "b@example.com")
    complain(session, one)
    key = contact(session, one).address_key or b""
    (found,) = suppressions.of_address(session, key)
    with pytest.raises(InvalidInput, match="The person asked"):
        lift(session, found.id, "please")


def test_many_addresses_are_suppressed_once(session: Session) -> None:
    keys = [bytes([n]) * 32 for n in range(5)]
    assert suppress_addresses(session, [*keys, keys[0]], "hard_bounce", source="smtp") == 5
    assert suppress_addresses(session, keys[:2], "hard_bounce") == 0
    assert suppress_addresses(session, [], "hard_bounce") == 0


# The command line


def run(*arguments: str, code: int = 0) -> dict[str, object]:
    result = CliRunner().invoke(consent, arguments)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if result.stdout else {}


def test_record_proof_verify_export_erase(db: Engine) -> None:
    with unit_of_work() as session:
        brand = make.make_brand(session)
        make.make_topic(session, brand, "News")
    given = ("--topic", "news", "--level", "opt_in", "--basis", "consent", "--source", "Fair")
    made = run("record", "Ada@example.com", *given, "--at", "2024-05-01T10:00+02:00")
    assert (made["state"], made["level"], made["basis"]) == ("granted", "opt_in", "consent")
    events = run("proof", "ada@example.com")["events"]
    assert isinstance(events, list) and events[0]["at"] == "2024-05-01T08:00:00+00:00"
    assert run("verify")["ok"] is True
    assert run("export", "ada@example.com")["contact"]["email"] == "Ada@example.com"  # type: ignore[index]
    assert run("record", "ada@example.com", "--topic", "news", "--state", "withdrawn")["state"] == "withdrawn"
    refused = CliRunner().invoke(consent, ["record", "ada@example.com", *given])
    assert isinstance(refused.exception, NotAllowed)
    run("erase", "ada@example.com", "--yes")
    with unit_of_work() as session:
        assert by_address(session, "ada@example.com") is None
    assert run("verify")["ok"] is True


def test_bad_usage_ends_with_2(db: Engine) -> None:
    run("record", "ada@example.com", "--topic", "news", code=2)
    run("record", "ada@example.com", "--topic", "news", "--state", "sometimes", code=2)


def test_verify_fails_on_a_broken_chain(db: Engine) -> None:
    with unit_of_work() as session:
        victim = three_chains(session)[0]
        session.execute(text(UNLOCK))
        session.execute(
            text("UPDATE permission_event SET basis = 'soft_opt_in' WHERE contact_id = :id"), {"id": victim}
        )
    broken = run("verify", code=1)["broken"]
    assert isinstance(broken, dict) and broken["contact_id"] == victim
