"""STANDARDS 39 and 41 across rooms: all that is held is exported; an erased person is forgotten by every room."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from app.customers.services.contacts import change_address
from consent.policy.standing import Actor
from consent.queries.proof import dumps, export
from consent.services.erase import erase
from tests.factories.tracking import drained, hit, make_sent

WHOLE_DATABASE = """
SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def test_an_export_holds_mails_and_responses(app: Flask) -> None:
    with unit_of_work() as session:
        sent = make_sent(session, people=1)
        drained(session, [hit(sent, 0), hit(sent, 0, link=1, after=90)])
        held = export(session, sent.people[0])
        assert dumps(held)
    messages, events = held["messages"], held["events"]
    assert isinstance(messages, list) and isinstance(events, list)
    assert [message["state"] for message in messages] == ["sent"]
    assert [(event["kind"], event["link"]) for event in events] == [("open", None), ("click", 1)]


def test_nothing_names_an_erased_person_in_any_table(app: Flask) -> None:
    with unit_of_work() as session:
        sent = make_sent(session, people=1)
        person = sent.people[0]
        address = contact(session, person).email or ""
        values = {"id": person, "reply": f"550 no such user {address}", "address": address}
        session.execute(text("UPDATE message SET reply = :reply WHERE contact_id = :id"), values)
        session.execute(
            text("INSERT INTO external_id (source, value, contact_id) VALUES ('shop', :address, :id)"), values
        )
        session.execute(
            text(
                "WITH batch AS (INSERT INTO import_batch (filename, path, mapping, source)"
                " VALUES ('a.csv', '/a', '{}', 'shop') RETURNING id)"
                " INSERT INTO import_reject (batch_id, line, reason, row)"
                " SELECT id, 2, 'why', json_build_array(CAST(:address AS text))::text FROM batch"
            ),
            values,
        )
        change_address(session, person, "later.address@example.com")
    with unit_of_work() as session:
        erase(session, person, actor=Actor.STAFF)
    with unit_of_work() as session:
        tables = session.scalars(text(WHOLE_DATABASE)).all()
        rows = [row for table in tables for row in session.scalars(text(f"SELECT t::text FROM {table} t"))]
    whole = "\n".join(rows)
    assert address.split("@")[0] not in whole and "later.address" not in whole
