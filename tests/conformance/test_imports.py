"""Exports of other platforms are imported as they are, and addresses are judged as their makers' own tests say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.engine import importing
from app.customers.policy import normalise
from app.customers.policy.address import Normaliser
from app.customers.queries import contacts, imports
from app.customers.queries.contacts import ContactInfo
from app.customers.services.exporting import Format, export
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect

DATA = Path(os.environ.get("CONFORMANCE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the corpora of CONFORMANCE_DATA are not here")


def run(path: Path, folder: Path) -> imports.BatchInfo:
    shape = inspect(path, folder)
    with unit_of_work() as session:
        batch_id = batches.create(session, shape, path.name)
        mapping = imports.batch(session, batch_id).mapping
        batches.prepare(session, batch_id, mapping, Statement(source="export of another platform"))
    return importing.run(batch_id)


def person(address: str) -> ContactInfo:
    with unit_of_work() as session:
        found = contacts.by_address(session, address)
    assert found is not None
    return found


def test_mailchimp(db, tmp_path):
    folder = DATA / "csv" / "mailchimp"
    done = run(folder / "subscribed_members_export.csv", tmp_path)
    assert (done.status, done.added, done.rejected) == ("done", 3, 0)
    ada = person("ada@example.com")
    assert (ada.name, ada.tags, ada.time_zone, ada.country) == ("Ada Lovelace", ("vip", "blog"), "Europe/London", "GB")
    assert person("o'neil+news@example.net").name == "Seán O'Neil"
    for name, target in (("unsubscribed", "opted_out_at"), ("cleaned", "bounced_at")):
        left = run(folder / f"{name}_members_export.csv", tmp_path)
        assert (left.status, left.added, left.rejected) == ("done", 1, 0)
        assert target in left.mapping.values()
    comes_back(tmp_path, 5)


def test_sendy(db, tmp_path):
    done = run(DATA / "csv" / "sendy" / "import_2col.csv", tmp_path)
    assert (done.status, done.added, done.rejected) == ("done", 3, 0)
    assert person("ada@example.com").name == "Ada Lovelace"
    assert (person("sean@example.net").first_name, person("sean@example.net").last_name) == ("Seán", "O'Neil")
    assert person("nameless@example.org").name == ""
    comes_back(tmp_path, 3)


def comes_back(folder: Path, people: int) -> None:
    """What we export of them is imported again and changes nothing."""
    path = folder / "ours.csv"
    with unit_of_work() as session:
        path.write_bytes(b"".join(export(session, Format.CSV)))
    again = run(path, folder)
    assert (again.status, again.unchanged, again.updated, again.rejected) == ("done", people, 0, 0)


def cases() -> list[dict[str, str]]:
    with (DATA / "address" / "cases.train.jsonl").open() as lines:
        return [json.loads(line) for line in lines]


def accepted(address: str) -> bool:
    try:
        normalise(address)
    except InvalidInput:
        return False
    return True


def test_no_bad_address_is_taken(settings):
    assert [case["address"] for case in cases() if case["final"] == "reject" and accepted(case["address"])] == []


def test_good_addresses_are_taken_but_for_forms_that_nobody_has(settings):
    """Quoted local parts, comments, display names and hosts without a dot are refused on purpose."""
    refused = [case["address"] for case in cases() if case["final"] == "accept" and not accepted(case["address"])]
    odd = [address for address in refused if not set(address) & set('"(<') and "." in address.rpartition("@")[2]]
    assert odd == ["foobar@192.168.0.1"]


def test_the_fast_way_judges_like_the_whole_validation(settings):
    fast = Normaliser()
    for case in cases():
        try:
            slow = normalise(case["address"])
        except InvalidInput:
            with pytest.raises(InvalidInput):
                fast(case["address"])
        else:
            assert fast(case["address"]) == slow
