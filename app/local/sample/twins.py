"""Some who came twice, by another spelling of their address; one pair is merged, the others wait to be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.customers.services import merging
from app.customers.services.contacts import find_or_create, set_tags
from app.customers.services.quality import counting
from app.local.sample.people import Person

FIRST, EVERY, PAIRS = 40, 97, 7


def come_twice(session: Session, people: Sequence[Person], contacts: Mapping[str, int]) -> None:
    """Add the second entries, merge the first pair, and have the base looked over."""
    twice = [person for person in people[FIRST::EVERY] if person.first_name][:PAIRS]
    for number, person in enumerate(twice):
        local, _, domain = person.email.partition("@")
        twin = find_or_create(
            session,
            f"{local}+{'shop' if person.language == 'en' else 'boutique'}@{domain}",
            language=person.language,
            source="Shop checkout",
            first_name=person.first_name[:1] + "." if number % 3 == 1 else person.first_name,
            last_name=person.last_name,
            country=person.country if number % 2 else "",
        )
        set_tags(session, twin, ["shop"])
        if number == 0:
            merging.merge(session, contacts[person.email], twin)
    counting.ask(session)
