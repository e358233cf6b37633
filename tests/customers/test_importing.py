"""Importing: what a file says is in the base afterwards, or is refused with line, column and reason."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.db import unit_of_work
from app.customers.queries import contacts
from app.customers.queries.contacts import ContactInfo
from tests.factories.customers import make_field


def person(address: str) -> ContactInfo:
    with unit_of_work() as session:
        found = contacts.by_address(session, address)
    assert found is not None
    return found


def test_a_file_becomes_contacts_with_typed_fields(import_csv):
    with unit_of_work() as session:
        make_field(session, "spent", "money")
        make_field(session, "born", "date")
        make_field(session, "vip", "boolean")
        make_field(session, "likes", "choices", ("Tea", "Coffee"))
    done = import_csv(
        "E-Mail,Prénom,Nom,Pays,Langue,Tags,spent,born,vip,likes\n"
        'Ada@Example.com,Ada,Lovelace,United Kingdom,English,"vip, maths","1 234,50 €",1815-12-10,yes,tea;coffee\n'
    )
    assert done.counts == (1, 0, 0, 0)
    ada = person("ada@example.com")
    assert (ada.email, ada.name, ada.country, ada.language) == ("Ada@Example.com", "Ada Lovelace", "GB", "en")
    assert ada.tags == ("vip", "maths")
    assert ada.attributes == {"spent": 1234.5, "born": "1815-12-10", "vip": True, "likes": ["Tea", "Coffee"]}
    assert ada.source == "a test"


def test_what_is_given_overwrites_and_what_is_blank_stays(import_csv):
    with unit_of_work() as session:
        make_field(session, "size", "number")
    import_csv("email,first name,size,tags\na@example.com,Ada,1,x\nb@example.com,Bob,2,\n")
    done = import_csv("email,first name,size,tags\nA@EXAMPLE.com,,3,y\nb@example.com,Bob,2,\n")
    assert done.counts == (0, 1, 1, 0)
    ada = person("a@example.com")
    assert (ada.first_name, ada.attributes, ada.tags) == ("Ada", {"size": 3}, ("x", "y"))


def test_rows_that_change_nothing_are_not_rewritten(import_csv, db):
    content = "email,first name,tags\n" + "".join(f"p{n}@example.com,P{n},t\n" for n in range(50))
    import_csv(content)

    def versions() -> list[tuple[object, ...]]:
        with db.connect() as connection:
            return connection.execute(text("SELECT id, xmin::text, ctid::text FROM contact ORDER BY id")).all()

    before = versions()
    assert import_csv(content).counts == (0, 0, 50, 0)
    assert versions() == before


def test_somebody_twice_in_a_file_is_one_person(import_csv):
    done = import_csv("email,first name,last name\na@example.com,Ada,\nA@example.com,,King\na@example.com,Ada,King\n")
    assert done.counts == (1, 1, 1, 0)
    assert person("a@example.com").name == "Ada King"


def test_a_dry_run_tells_and_changes_nothing(import_csv, db):
    import_csv("email,first name\na@example.com,Ada\nb@example.com,Bob\n")
    done = import_csv(
        "email,first name\na@example.com,Eve\nb@example.com,Bob\nc@example.com,C\nc@example.com,C\nbad,\n", dry_run=True
    )
    assert done.counts == (1, 1, 2, 1)
    assert person("a@example.com").first_name == "Ada"
    with db.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 2


def test_refused_rows_name_line_column_and_reason(import_csv):
    with unit_of_work() as session:
        make_field(session, "size", "number")
        make_field(session, "born", "date")
    done = import_csv(
        "email,first name,size,born\n"
        "nobody,Ada,1,\n"
        "a@example.com,Ada,big,\n"
        "b@example.com,Bob,1,04/03/2020\n"
        'c@example.com,"Two\nlines",1,\n'
        "d@example.com,Dan,1\n"
        'e@example.com,Eve,"1,234",\n'
        "f@example.com,F,12,2020-02-30\n"
        "good@example.com,G,1,2020-02-29\n"
    )
    assert done.counts == (1, 0, 0, 7)
    assert [(r.line, r.column) for r in done.refused] == [
        (2, "email"),
        (3, "size"),
        (4, "born"),
        (5, "first name"),
        (7, ""),
        (8, "size"),
        (9, "born"),
    ]
    assert all(r.reason for r in done.refused)
    assert done.refused[0].cells == ["nobody", "Ada", "1", ""]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16", b""), ("utf-16-le", b""), ("cp1252", b""), ("utf-32", b"")],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_are_found(import_csv, encoding, mark, delimiter, end):
    rows = [["email", "first name", "last name"], ["zoe@example.com", "Zoé", "Müller"], ["b@example.com", "Bob", "Ça"]]
    content = mark + "".join(delimiter.join(row) + end for row in rows).encode(encoding)
    if encoding == "utf-32" and end == "\r":
        return
    assert import_csv(content).counts == (2, 0, 0, 0)
    assert person("zoe@example.com").name == "Zoé Müller"


def test_a_file_without_titles_is_read_by_its_cells(import_csv):
    done = import_csv('Ada Lovelace,ada@example.com\n"O\'Neil, Seán",sean@example.net\n,nameless@example.org\n')
    assert done.counts == (3, 0, 0, 0)
    sean = person("sean@example.net")
    assert (sean.first_name, sean.last_name) == ("Seán", "O'Neil")
