"""The field dictionary: renamed without touching values, kept as long as it says, and what it holds is counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers import tasks
from app.customers.forms import contact_form
from app.customers.policy.values import Kind
from app.customers.queries import contacts, field_figures
from app.customers.queries.fields import by_name, dictionary
from app.customers.services import fields
from app.customers.services.contacts import edit
from app.customers.services.fields import Terms
from tests.factories.customers import make_contact, make_field


def test_a_field_is_renamed_without_a_value_written_and_files_still_find_it(import_csv, db):
    with unit_of_work() as session:
        fields.declare_as(session, "shoe", "number", Terms({"en": "Shoe size", "fr": "Pointure"}))
    import_csv("email,Shoe size\na@example.com,42\n")
    rows = text("SELECT xmin::text, ctid::text, attributes FROM contact")
    with db.connect() as connection:
        before = connection.execute(rows).all()
    with unit_of_work() as session:
        fields.change(session, "shoe", Terms({"en": "Size of shoes"}, titles=["foot"]))
        field = by_name(session, "shoe")
    assert (field.label("en"), set(field.titles)) == ("Size of shoes", {"foot", "Shoe size", "Pointure"})
    with db.connect() as connection:
        assert connection.execute(rows).all() == before
    for title in ("Shoe size", "pointure", "Foot", "size of shoes"):
        assert import_csv(f"email,{title}\na@example.com,42\n").counts == (0, 0, 1, 0)


def test_what_a_field_holds_is_counted(db):
    with unit_of_work() as session:
        make_field(session, "town")
        make_field(session, "likes", "choices", ("Tea", "Coffee", "Milk"))
        for number, (town, likes) in enumerate([("Paris", "Tea"), ("Paris", "Tea;Coffee"), ("Lyon", ""), ("", "")]):
            person = make_contact(session, f"p{number}@example.com")
            edit(session, person, {"town": town, "likes": likes})
    with unit_of_work() as session:
        towns = field_figures.of_field(session, "town", Kind.TEXT)
        likes = field_figures.of_field(session, "likes", Kind.CHOICES)
        shares, exact = field_figures.shares(session)
    assert towns == field_figures.Figures(4, 3, 2, [("Paris", 2), ("Lyon", 1)])
    assert (likes.filled, likes.top) == (2, [("Tea", 2), ("Coffee", 1)])
    assert (dict(shares), exact) == ({"town": 0.75, "likes": 0.5}, True)


def test_values_are_forgotten_when_their_time_is_over(db, clock, monkeypatch):
    monkeypatch.setattr(tasks.field_retention, "PART", 2)
    with unit_of_work() as session:
        for name, days in (("short", 30), ("long", None)):
            fields.declare_as(session, name, "text", Terms(name, keep_days=days))
        people = [make_contact(session, f"p{number}@example.com") for number in range(5)]
        for person in people:
            edit(session, person, {"short": "x", "long": "y"})
    clock.forward(timedelta(days=29))
    with unit_of_work() as session:
        edit(session, people[0], {"first_name": "Ada"})
    clock.forward(timedelta(days=2))
    tasks.forget_values.function()
    with unit_of_work() as session:
        held = [contacts.contact(session, person).attributes for person in people]
    assert held == [{"short": "x", "long": "y"}, *[{"long": "y"}] * 4]
    with unit_of_work() as session, pytest.raises(InvalidInput):
        fields.change(session, "short", Terms("short", keep_days=0))


def test_staff_get_no_input_for_what_files_alone_change(app, db):
    with unit_of_work() as session:
        fields.declare_as(session, "erp", "text", Terms("ERP", staff_may_edit=False, origin="ERP"))
        fields.declare_as(session, "note", "text", Terms("Note"))
        declared = dictionary(session)
    with app.test_request_context():
        form = contact_form(declared, "en")
    assert [field.name for field in form if field.name.startswith("f_")] == ["f_note"]
