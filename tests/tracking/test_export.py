"""STANDARDS 39: what is handed over against the database: every table that knows somebody, filled and looked for.

A table that a later part adds is found by itself: it must be in the export, or be named here with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    insert,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Session

from app.core.db import Base, unit_of_work
from app.customers.queries.contacts import contact, contact_table
from consent.forms.held_words import HIDDEN, LABELS, TITLES
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.queries.proof import dumps, export
from consent.services.ledger import Entry, append
from tests.factories.tracking import Sent, make_sent

WHEN = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
_numbers = count(1)
# Tables that know a contact and are no further data about them.
ELSEWHERE = {
    "permission_event": "written by the ledger itself, below",
    "permission": "the projection of the ledger: its standing, below",
    "tracking_permission": "the projection of the ledger: its standing, below",
    "conversion": "which mail an order is credited to: the order is handed over",
    "sealed_proof": "of the erased alone, encrypted for somebody else",
}
# Columns that mean nothing outside, by table.
TECHNICAL = {
    "message": {"enhanced_code", "due_at"},
    "privacy_request": {"verified_note"},  # told with who verified it, once somebody did
    "sign_up": {"nonce", "domain", "wordings"},
    "suppression": {"value"},
    "event": {"method", "network_class", "hint"},
    "order": {"rate_date", "created_at"},
    "contact": {"email_key", "search", "domain", "erased_at"},
}
GIVEN: dict[tuple[str, str], object] = {
    **{("privacy_request", name): value for name, value in {"kind": "access", "channel": "page"}.items()},
    ("privacy_request", "state"): "received",
    **dict.fromkeys(
        ("privacy_request", name)
        for name in "extended_at extended_why told_on verified_at verified_how refused_why closed_at purged_at".split()
    ),
    ("message", "state"): "sent",
    ("event", "kind"): "open",
    ("suppression", "kind"): "address",
    ("suppression", "reason"): "manual",
    ("suppression", "scope"): "all",
    ("leaving_reason", "reason"): "too_many",
    ("contact_address", "email"): "former@example.net",
    ("address_change", "email"): "later@example.net",
}


def knows_people(table: Table) -> bool:
    return "contact_id" in table.c or table.name in ("access_request", "suppression", "sign_up")


def tables() -> Iterator[Table]:
    for table in Base.metadata.sorted_tables:
        if knows_people(table) and table.name not in ELSEWHERE:
            yield table


def value(table: Table, column: Column[object], person: int, key: bytes, sent: Sent) -> object:
    """Return something that fits, and that is found again when it is text or a time."""
    ids = {
        "contact_id": person,
        "brand_id": sent.brand_id,
        "campaign_id": sent.id,
        "address_key": key,
        "former_key": key,
    }
    if (table.name, column.name) in GIVEN:
        return GIVEN[table.name, column.name]
    if column.name in ids:
        return ids[column.name]
    number = next(_numbers)
    kind = column.type
    if isinstance(kind, DateTime):
        return WHEN + timedelta(seconds=number)
    if isinstance(kind, Date):
        return WHEN.date() + timedelta(days=number)
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, SmallInteger | Integer):
        return number
    if isinstance(kind, Numeric):
        return Decimal(number)
    if isinstance(kind, LargeBinary):
        return bytes(32)
    if isinstance(kind, INET):
        return f"203.0.113.{number % 250}"
    if isinstance(kind, JSONB):
        return {"note": f"{table.name}-{column.name}"}
    if isinstance(kind, ARRAY):
        return [f"{table.name}-{column.name}"] if isinstance(kind.item_type, Text) else [number]
    return f"{table.name}-{column.name}"


def fill(session: Session, table: Table, person: int, key: bytes, sent: Sent) -> dict[str, object]:
    """Write a row about a person; return what has to be found again, by column."""
    row = {
        column.name: value(table, column, person, key, sent)
        for column in table.columns
        if not column.computed and not (column.identity or (column.primary_key and column.name == "id"))
    }
    for column in table.columns:  # what refers to a row elsewhere needs one
        for reference in column.foreign_keys:
            target = reference.target_fullname.split(".")[0]
            if target == "contact" and column.name != "contact_id":  # somebody else, who turned out to be them
                row[column.name] = session.scalar(text("INSERT INTO contact DEFAULT VALUES RETURNING id"))
            if target not in ("contact", "brand", "campaign"):
                row[column.name] = session.scalar(text(f'SELECT min(id) FROM "{target}"'))
    if table.name == "event":
        row["id"] = next(_numbers)
    session.execute(insert(table).values(**row))
    return {
        name: found
        for name, found in row.items()
        if isinstance(found, str | date | list | dict) and name not in TECHNICAL.get(table.name, set())
    }


def appears(found: object, whole: str) -> bool:
    if isinstance(found, date):  # a moment is one, too
        return found.isoformat() in whole
    if isinstance(found, dict):
        return all(str(part) in whole for part in found.values())
    if isinstance(found, list):
        return all(str(part) in whole for part in found if isinstance(part, str))
    return str(found) in whole


@pytest.fixture
def held(app: Flask) -> tuple[dict[str, dict[str, object]], str]:
    """What was written about one person into every table, and the export as text."""
    with unit_of_work() as session:
        sent = make_sent(session, people=1)
        person = sent.people[0]
        session.execute(text("DELETE FROM message"))
        session.execute(text("INSERT INTO form (brand_id, slug, name, topic_ids) VALUES (1, 'f', 'Form', '{1}')"))
        session.execute(text("INSERT INTO people_list (name, kind) VALUES ('a list', 'upload')"))
        session.execute(
            text(
                "INSERT INTO import_batch (filename, path, status, mapping, source, evidence)"
                " VALUES ('people.csv', '', 'done', '{}', 'shop', '')"
            )
        )
        own = contact_table()
        names = ("first_name", "last_name", "language", "time_zone", "country", "source")
        values: dict[str, object] = {name: f"contact-{name}" for name in names}
        values |= {"tags": ["contact-tags"], "attributes": {"note": "contact-attributes"}}
        values |= dict.fromkeys(("created_at", "updated_at", "objected_at", "complained_at"), WHEN)
        session.execute(own.update().where(own.c.id == person).values(**values))
        key = contact(session, person).address_key or b""
        written = {"contact": {"email": contact(session, person).email, **values}}
        evidence = {"email": "evidence-email", "ip": "198.51.100.77", "page": "evidence-page"}
        entry = Entry(
            Subject.TOPIC,
            Action.CONFIRM,
            Actor.SUBSCRIBER,
            1,
            level=Level.CONFIRMED,
            basis=Basis.CONSENT,
            evidence=evidence,
        )
        append(session, person, entry)
        written["permission_evidence"] = dict(evidence)
        session.execute(text("SELECT ensure_event_partition(:at)"), {"at": WHEN})
        for table in tables():
            written[table.name] = fill(session, table, person, key, sent)
    with unit_of_work() as session:
        session.expire_all()
        return written, dumps(export(session, person))


def test_row_39_whatever_a_table_knows_of_somebody_is_handed_over(
    held: tuple[dict[str, dict[str, object]], str],
) -> None:
    written, whole = held
    missing = [
        f"{table}.{name}"
        for table, row in written.items()
        for name, found in row.items()
        if not appears(found, whole) and name not in TECHNICAL.get(table, set())
    ]
    assert missing == []
    made = json.loads(whole)
    assert made["permission"]["processing"][0]["state"] == "granted"
    assert made["permission"]["events"][-1]["action"] == "confirm"


# What is inside was named by people and shops, or by its language.
OWN_NAMES = {"fields", "changed", "changes", "statements", "items", "name", "description"}


def names(part: object) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from names(one)
    elif isinstance(part, dict):
        for name, one in part.items():
            yield name
            if name not in OWN_NAMES:
                yield from names(one)


def test_all_that_is_handed_over_is_named_in_words(held: tuple[dict[str, dict[str, object]], str]) -> None:
    made = json.loads(held[1])
    permission = made.pop("permission")
    assert set(made) <= set(TITLES)
    read = [*made.values(), permission["processing"], permission["events"]]
    assert set(names(read)) - set(LABELS) - HIDDEN == set()
