"""Bring the sample's people into the base: by imports and sign-ups of the past, as a real company's would be."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby, islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.queries.contacts import contact_table
from app.customers.services.importing import batches, forgetting
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from app.local.sample import partings
from app.local.sample.company import Company, House
from app.local.sample.people import FORM, Person
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.services.ledger import Entry, append

OFFERS_AGE = timedelta(days=20)  # when the shops' ticked boxes were brought over
COLUMNS = (
    "email first_name last_name language country source city birthday taste orders spent".split()  # also field names
)
EVIDENCE = {
    "Shop checkout": "Order confirmation with the box that was ticked, shop archive",
    "Tasting evening, paper list": "Signed list, folder 12, then confirmed by mail",
    "Christmas market": "Signed list, folder 14, then confirmed by mail",
    "Former mailing tool": "Export of confirmations from the former tool, kept in the archive",
}


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let what happens inside happen at ``moment``."""
    clock.shift(moment - (clock.now()))
    try:
        yield
    finally:
        clock.shift(timedelta())


def bring_in(people: Sequence[Person], company: Company, folder: Path) -> dict[str, int]:
    """Import everybody, write the histories of their permissions, and return contact ids by address."""
    imports = sorted(people, key=_group)
    for (language, source, asked, quarter), members in groupby(imports, key=_group):
        group = list(members)
        house = company.of(language)
        permitted = asked and source != FORM
        statement = Statement(source=source)
        if permitted:
            statement = Statement(house.newsletter, "confirmed", "consent", source, EVIDENCE[source])
        with at(min(person.joined_at for person in group)):
            _import(folder / f"{source.split()[0].lower()}-{language}-{quarter}-{int(asked)}.csv", group, statement)
    for language in ("fr", "en"):
        buyers = [p for p in people if p.language == language and p.source != FORM and p.offers != "never"]
        house = company.of(language)
        said = Statement(house.offers, "confirmed", "consent", "Shop checkout", EVIDENCE["Shop checkout"])
        with at(clock.now() - OFFERS_AGE):
            _import(folder / f"offers-{language}.csv", buyers, said)
            _import(folder / f"customers-{language}.csv", _customers(people, language), _soft(house))
    with unit_of_work() as session:
        ids = _ids(session, people)
    for spoken in ("fr", "en"):
        _histories([person for person in people if person.language == spoken], company.of(spoken), ids)
    partings.part(company, people, ids)
    return ids


def _customers(people: Sequence[Person], language: str) -> list[Person]:
    """Return some who bought, never asked for offers, and did not refuse them at the checkout."""
    bought = (p for p in people if p.language == language and p.source == "Shop checkout" and p.orders)
    return [person for person in bought if person.offers == "never" and person.number % 3 == 0]


def _soft(house: House) -> Statement:
    conditions = {
        "sale": "Paid orders of our shop, accounts of the year",
        "similar": "Tea, coffee and tableware, as they bought",
        "refusal": "Box beside the address in the checkout, screenshot in the shared folder",
    }
    return Statement(house.offers, "opt_out", "soft_opt_in", "Shop checkout", EVIDENCE["Shop checkout"], conditions)


def _group(person: Person) -> tuple[str, str, bool, str]:
    joined = person.joined_at
    return (person.language, person.source, person.newsletter != "never", f"{joined.year}-{(joined.month + 5) // 6}")


def _import(path: Path, people: Iterable[Person], statement: Statement) -> None:
    forgetting.folder()  # for its owner's eyes alone, which real uploads rely on
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for person in people:
            writer.writerow([_cell(getattr(person, column)) for column in COLUMNS])
    shape = inspect(path, path.parent)
    with unit_of_work() as session:
        batch_id = batches.create(session, shape, path.name)
        batches.prepare(session, batch_id, {column: column for column in COLUMNS}, statement)
    importing.run(batch_id)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _ids(session: Session, people: Iterable[Person]) -> dict[str, int]:
    table = contact_table()
    emails = [person.email for person in people]
    return {
        row.email: row.id
        for row in session.execute(select(table.c.email, table.c.id).where(table.c.email_key.in_(emails)))
    }


def _histories(people: Iterable[Person], house: House, ids: dict[str, int]) -> None:
    entries = iter(
        (ids[person.email], entry)
        for person in people
        for entry in sorted(_entries(person, house), key=lambda entry: entry.at or clock.now())
    )
    while some := list(islice(entries, 1000)):
        with unit_of_work() as session:
            for contact_id, entry in some:
                append(session, contact_id, entry)


def _entries(person: Person, house: House) -> Iterator[Entry]:
    """What a person did about their permissions, apart from what an import stated."""
    dice = random.Random(person.number)
    later = person.joined_at + (clock.now() - person.joined_at) * dice.uniform(0.2, 0.95)
    if person.source == FORM and person.newsletter != "never":
        ends = later if person.newsletter == "expired" else None
        yield from _sign_up(person, house.newsletter, person.newsletter, dice, ends)
    if person.source == FORM and person.offers != "never":
        yield from _sign_up(person, house.offers, person.offers, dice)
    for topic_id, ending in ((house.newsletter, person.newsletter), (house.offers, person.offers)):
        if ending == "withdrawn" or (ending == "expired" and person.source == FORM):
            action = Action.WITHDRAW if ending == "withdrawn" else Action.EXPIRE
            actor = Actor.SUBSCRIBER if ending == "withdrawn" else Actor.SYSTEM
            imported = topic_id == house.offers and person.source != FORM
            when = clock.now() - OFFERS_AGE * dice.uniform(0.05, 0.9) if imported else later
            yield Entry(Subject.TOPIC, action, actor, topic_id=topic_id, at=when, language=person.language)
    if person.tracking is not None and person.newsletter == "granted":
        yield Entry(
            Subject.TRACKING,
            Action.GRANT if person.tracking else Action.WITHDRAW,
            Actor.SUBSCRIBER,
            brand_id=house.brand_id,
            level=Level.CONFIRMED if person.tracking else None,
            basis=Basis.CONSENT if person.tracking else None,
            at=person.joined_at + timedelta(minutes=3),
            language=person.language,
            evidence={"page": "preferences"},
        )


def _sign_up(
    person: Person, topic_id: int, ending: str, dice: random.Random, ends: datetime | None = None
) -> Iterator[Entry]:
    def entry(action: Action, after: timedelta, level: Level) -> Entry:
        return Entry(
            Subject.TOPIC,
            action,
            Actor.SUBSCRIBER,
            topic_id=topic_id,
            level=level,
            basis=Basis.CONSENT,
            at=person.joined_at + after,
            expires_at=ends if action is Action.CONFIRM else None,
            language=person.language,
            evidence={"ip": f"192.0.2.{dice.randrange(1, 255)}", "page": "https://www.loriot.example/"},
        )

    yield entry(Action.REQUEST, timedelta(), Level.OPT_IN)
    if ending != "pending":
        yield entry(Action.CONFIRM, timedelta(minutes=dice.randrange(1, 240)), Level.CONFIRMED)
