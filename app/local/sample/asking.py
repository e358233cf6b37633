"""What the sample's people asked about their data, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from app.accounts import queries as accounts
from app.core import clock
from app.local.sample.base import at
from app.local.sample.people import Person
from consent.policy.requests import Channel, Extension, Kind, Proof
from consent.queries import requests
from consent.services.requests import acting, filing, steps
from consent.services.requests.filing import Asked, Details


def ask(session: Session, people: Sequence[Person], contacts: dict[str, int]) -> None:
    """File five requests: one late, one extended, one to verify, one to do, one done."""
    staff_id = accounts.staff(session)[0].id
    who = [person for person in people if person.first_name and person.orders][:5]
    for days, kind, channel, wish, person in zip(
        (34, 25, 3, 9, 40),
        (Kind.ACCESS, Kind.PORTABILITY, Kind.OBJECTION, Kind.CORRECTION, Kind.ACCESS),
        (Channel.LETTER, Channel.MAIL, Channel.PAGE, Channel.PHONE, Channel.MAIL),
        (
            "Please send me a copy of everything you hold about me.",
            "All my orders since 2023, as a file I can take to another shop.",
            "My old mailbox is gone, and your letters still go there. Please stop.",
            "Married, and moved: name and address have changed.",
            "What do you know about me, and from where?",
        ),
        who,
        strict=True,
    ):
        _file(session, days, Asked(kind, channel, _details(person, wish), person.language), contacts, staff_id)


def _details(person: Person, wish: str) -> Details:
    return Details(f"{person.first_name} {person.last_name}", person.email, "+33 1 99 00 12 34", "", "", wish)


def _file(session: Session, days: int, asked: Asked, contacts: dict[str, int], staff_id: int) -> None:
    with at(clock.now() - timedelta(days=days)):
        request_id = filing.file(session, asked, staff_id=None if asked.channel is Channel.PAGE else staff_id)
    if asked.channel in (Channel.LETTER, Channel.PAGE):
        return
    with at(clock.now() - timedelta(days=days - 1)):
        steps.identify(session, request_id, contacts[asked.details.email], staff_id=staff_id)
        steps.verify(session, request_id, Proof.CALLED_BACK, "On the number of the last order", staff_id=staff_id)
        if asked.kind is Kind.PORTABILITY:
            told = requests.today(session)
            steps.extend(session, request_id, Extension.COMPLEX, told, "Told by e-mail", staff_id=staff_id)
        elif asked.kind is Kind.ACCESS:
            acting.export(session, request_id, staff_id=staff_id)
            steps.complete(session, request_id, "File sent by registered letter", staff_id=staff_id)
