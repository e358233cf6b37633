"""What an import does to people who are known: by the rule of each field; and a dry run tells what would change."""

from __future__ import annotations

import pytest

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries import contacts, imports
from app.customers.services.contacts import edit
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from tests.factories.customers import make_field


def person(address: str = "a@example.com") -> contacts.ContactInfo:
    with unit_of_work() as session:
        found = contacts.by_address(session, address)
    assert found is not None
    return found


@pytest.fixture
def fields(db):
    with unit_of_work() as session:
        for name in ("one", "two", "three"):
            make_field(session, name)


def test_each_field_has_its_rule(import_csv, fields):
    import_csv("email,first name,last name,country,tags,one,two\na@example.com,Ada,,FR,x,1,1\n")
    second = "email,first name,last name,country,tags,one,two,three\na@example.com,Eve,King,GB,y,2,2,2\n"
    rules = {"first_name": "fill", "last_name": "fill", "country": "keep", "one": "keep", "two": "fill", "tags": "fill"}
    assert import_csv(second, rules=rules).counts == (0, 1, 0, 0)
    ada = person()
    assert (ada.name, ada.country, ada.tags) == ("Ada King", "FR", ("x",))
    assert ada.attributes == {"one": "1", "two": "1", "three": "2"}
    assert import_csv(second, rules=rules).counts == (0, 0, 1, 0)
    assert import_csv(second).counts == (0, 1, 0, 0)
    assert (person().name, person().country, person().tags) == ("Eve King", "GB", ("x", "y"))


def test_the_newest_wins_by_the_files_own_date(import_csv, fields):
    rules = {"first_name": "newest", "one": "newest", "two": "fill"}

    def bring(name: str, one: str, day: str) -> None:
        row = f"a@example.com,{name},{one},{one},{day}"
        import_csv(f"email,first name,one,two,updated at\n{row}\n", rules=rules)

    bring("Ada", "1", "2020-05-01")
    bring("Old", "0", "2019-01-01")
    assert (person().first_name, person().attributes) == ("Ada", {"one": "1", "two": "1"})
    bring("New", "2", "2021-01-01T10:00:00Z")
    assert (person().first_name, person().attributes) == ("New", {"one": "2", "two": "1"})
    with unit_of_work() as session:
        edit(session, person().id, {"first_name": "Staff", "one": ""})
    bring("Later", "3", "2022-01-01")
    assert person().first_name == "Staff", "who edited it here knew better than a row of years ago"
    assert person().attributes["one"] == "3", "what is empty is filled"


def test_rules_that_cannot_be_are_refused(prepare_import, fields):
    with pytest.raises(InvalidInput, match="which column"):
        prepare_import("email,one\na@example.com,1\n", rules={"one": "newest"})
    with pytest.raises(InvalidInput, match="no rule"):
        prepare_import("email,one\na@example.com,1\n", rules={"one": "magic"})
    with pytest.raises(InvalidInput, match="Tags"):
        prepare_import("email,tags,updated at\na@example.com,1,\n", rules={"tags": "newest"})


def test_a_dry_run_tells_what_would_change(import_csv, fields):
    import_csv("email,first name,one\na@example.com,Ada,1\nsame@example.com,Sam,1\n")
    content = "email,first name,one\nsame@example.com,Sam,1\na@example.com,Eve,2\nnew@example.com,Ned,9\nbad,,\n"
    tried = import_csv(content, dry_run=True)
    assert tried.counts == (1, 1, 1, 1)
    assert [(row["line"], row["email"], row["added"]) for row in tried.info.preview] == [
        (3, "a@example.com", False),
        (4, "new@example.com", True),
    ]
    assert tried.info.preview[0]["changes"] == {"first_name": ["Ada", "Eve"], "one": ["1", "2"]}
    assert tried.info.preview[1]["changes"] == {"name": [None, "Ned"], "one": [None, "9"]}
    assert import_csv(content).info.preview == []


def test_the_mapping_of_a_source_is_remembered(prepare_import, fields):
    content = "Mail,What,Whence\na@example.com,1,x\n"
    mapping = {"Mail": "email", "What": "one", "Whence": "two"}
    first = prepare_import(content, mapping, rules={"one": "fill"}, statement=Statement(source="ERP"))
    prepare_import("Mail,Other\na@example.com,1\n", {"Mail": "email"})
    second = prepare_import(content)
    with unit_of_work() as session:
        again = imports.batch(session, second)
        assert (again.mapping, again.like) == (mapping, first)
        assert batches.declared_fields(session)
