"""The past campaigns of the sample, sent (without a relay) and answered when their dates say, and the draft."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.core import clock, ids
from app.core.config import current
from app.core.db import unit_of_work
from app.local.sample.base import at
from app.local.sample.company import Company, House
from app.local.sample.letters import DRAFT, DRAFT_IN_ENGLISH, PAST, Letter
from app.local.sample.people import Person
from app.mail.templates import starters
from campaigns.policy import CampaignAct, CampaignKind, MessageAct, Waves
from campaigns.services import campaigns, control, freeze, pumping, segments
from campaigns.services.campaigns import Basics, ContentText
from campaigns.services.claim import Claimer, ClaimScope, lanes_with_work
from campaigns.services.write_back import Result, write_back
from tracking.policy.hits import Hit
from tracking.services import fold, orders, record

AGENTS = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        38,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36", 27),
    ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", 22),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", 13),
)
PREFETCH = "Mozilla/5.0"
SCANNER = "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0); Barracuda Sentinel (EE)"


def send_the_past(company: Company, people: Sequence[Person], contacts: dict[str, int]) -> list[tuple[str, datetime]]:
    """Make, send and answer every past letter; returns who clicked when, by address."""
    audience = _segments(company)
    by_id = {contacts[person.email]: person for person in people}
    hits: list[Hit] = []
    for letter in PAST:
        house = company.of(letter.language)
        moment = clock.now() - letter.age
        with at(moment), unit_of_work() as session:
            campaign_id = _campaign(session, house, letter, audience[letter.language, letter.offers])
            sent = _send(session, campaign_id, house, random.Random(letter.name))
        hits += _answers(campaign_id, sent, by_id, random.Random(campaign_id))
    with unit_of_work() as session:
        record.store(session, sorted(hits))
    with unit_of_work() as session:
        fold.fold(session, settled=timedelta())
    return [
        (by_id[hit.contact_id].email, datetime.fromtimestamp(hit.at_us / 1e6, UTC))
        for hit in hits
        if hit.kind == "click" and hit.contact_id and hit.agent != SCANNER
    ]


def draft(company: Company, session: Session) -> int:
    """Make the campaign that waits for the newcomer's click, in two languages."""
    house = company.loriot
    readers = segments.find_or_create(
        session, "Readers of the journal", {"all": [{"permission": "carnet", "op": "granted"}]}
    )
    _question(session, house)
    campaign_id = campaigns.draft(
        session,
        Basics(DRAFT.name, house.brand_id, house.newsletter, house.sender_id, "Sell the advent calendar before Monday"),
    )
    campaigns.set_audience(session, campaign_id, [readers])
    for letter in (DRAFT, DRAFT_IN_ENGLISH):
        _write(session, campaign_id, letter, house)
    return campaign_id


def _question(session: Session, house: House) -> None:
    """Make a second draft, which asks readers who grew quiet whether they still want the journal."""
    basics = Basics(
        "Encore des nôtres ?", house.brand_id, house.newsletter, house.sender_id, kind=CampaignKind.REPERMISSION
    )
    campaign_id = campaigns.draft(session, basics)
    campaigns.set_waves(session, campaign_id, Waves(per_day=200, quiet_months=1))
    for language, subject in (("fr", "Pouvons-nous continuer à vous écrire ?"), ("en", "May we go on writing to you?")):
        (design,) = starters(language, asking=True)
        campaigns.set_content(session, campaign_id, language, ContentText(subject, "", design.mjml))


def _segments(company: Company) -> dict[tuple[str, bool], int]:
    with unit_of_work() as session:
        french = segments.create(session, "Francophones", {"all": [{"field": "language", "op": "eq", "value": "fr"}]})
        english = segments.create(
            session, "English readers", {"all": [{"field": "language", "op": "eq", "value": "en"}]}
        )
        loyal = segments.create(
            session,
            "Bons clients, plus de 100 €",
            {
                "all": [
                    _spoken("fr"),
                    {"field": "orders", "op": "gte", "value": 2},
                    {"field": "spent", "op": "gt", "value": 100},
                ]
            },
        )
        segments.create(session, "Tea drinkers", {"all": [{"field": "taste", "op": "eq", "value": "tea"}]})
    return {("fr", False): french, ("en", False): english, ("fr", True): loyal, ("en", True): english}


def _spoken(language: str) -> dict[str, str]:
    return {"field": "language", "op": "eq", "value": language}


def _campaign(session: Session, house: House, letter: Letter, segment_id: int) -> int:
    topic_id = house.offers if letter.offers else house.newsletter
    campaign_id = campaigns.draft(session, Basics(letter.name, house.brand_id, topic_id, house.sender_id))
    campaigns.set_audience(session, campaign_id, [segment_id])
    _write(session, campaign_id, letter, house)
    return campaign_id


def _write(session: Session, campaign_id: int, letter: Letter, house: House) -> None:
    colour = brands.brand(session, house.brand_id).colour
    content = ContentText(letter.subject, letter.preheader, letter.mjml(colour))
    campaigns.set_content(session, campaign_id, letter.language, content)


def _send(session: Session, campaign_id: int, house: House, dice: random.Random) -> list[tuple[int, bool, datetime]]:
    """Freeze the audience and write down what a relay would have said; returns (contact, tracked, when sent)."""
    campaign = control.act(session, campaign_id, CampaignAct.LAUNCH)
    freeze.freeze(session, campaign_id)
    host = ids.host_id(current().var)
    claimer = Claimer(ClaimScope(campaign_id, campaign.topic_id, house.brand_id, host, frozenset()))
    sent = []
    for lane in lanes_with_work(session, campaign_id, campaign.relay_id or 0):
        after = 0
        while True:
            taken = claimer.claim(session, lane.id, 500, after=after)
            if taken.last is None:
                break
            after = taken.last
            if taken.claim is None:
                continue
            results = [_reply(recipient.contact_id, dice) for recipient in taken.recipients]
            write_back(session, taken.claim, results)
            tracked = {recipient.contact_id: recipient.tracked for recipient in taken.recipients}
            sent += [(r.contact_id, tracked[r.contact_id], r.at) for r in results if r.act is MessageAct.ACCEPT]
    pumping.settle(session, campaign_id)
    return sent


def _reply(contact_id: int, dice: random.Random) -> Result:
    when = clock.now() + timedelta(seconds=dice.uniform(2, 40))
    draw = dice.random()
    if draw < 0.004:
        return Result(contact_id, MessageAct.FAIL, 550, "5.1.1", "No such user here", "hard", when)
    if draw < 0.007:
        return Result(contact_id, MessageAct.FAIL, 552, "5.2.2", "Mailbox full", "soft", when)
    return Result(contact_id, MessageAct.ACCEPT, 250, "2.0.0", "OK", None, when)


def _answers(
    campaign_id: int, sent: Sequence[tuple[int, bool, datetime]], people: dict[int, Person], dice: random.Random
) -> list[Hit]:
    """Return the opens and clicks of one campaign: people after minutes to days, machines at once."""

    def hit(contact_id: int, kind: str, when: datetime, agent: str, link: int | None = None) -> Hit:
        at_us = int(when.astimezone(UTC).timestamp() * 1e6)
        return Hit(at_us, kind, campaign_id, contact_id, link, "GET", "", "192.0.2.7", agent)

    hits = []
    for contact_id, tracked, when in sent:
        lively = people[contact_id].liveliness
        agent = dice.choices([name for name, _ in AGENTS], [weight for _, weight in AGENTS])[0]
        if not tracked:
            if dice.random() < 0.05 * lively:
                hits.append(hit(0, "click", when + _delay(dice), agent, dice.randrange(3)))
            continue
        if dice.random() < 0.13:
            hits.append(hit(contact_id, "open", when + timedelta(seconds=dice.uniform(20, 900)), PREFETCH))
        if dice.random() < 0.015:
            hits += [hit(contact_id, "click", when + timedelta(seconds=3 + n / 5), SCANNER, n) for n in range(3)]
        if dice.random() < lively:
            opened = when + _delay(dice)
            hits.append(hit(contact_id, "open", opened, agent))
            if dice.random() < 0.22 * lively:
                clicked = opened + timedelta(seconds=dice.uniform(8, 120))
                hits.append(hit(contact_id, "click", clicked, agent, dice.choices(range(3), (5, 3, 2))[0]))
    return [found for found in hits if found.at_us < clock.now().timestamp() * 1e6]


def _delay(dice: random.Random) -> timedelta:
    """Half of all opens come within some five hours, a few after a week."""
    return timedelta(hours=min(dice.lognormvariate(1.6, 1.3), 24 * 14))


def sell(company: Company, people: Sequence[Person], clicks: Sequence[tuple[str, datetime]], folder: Path) -> None:
    """Import the orders of both shops, as a shop's nightly file would bring them."""
    dice = random.Random(11)
    for language in ("fr", "en"):
        house = company.of(language)
        house_currency = "EUR" if language == "fr" else "GBP"
        path = folder / f"orders-{language}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["order_id", "email", "at", "amount", "currency", "value"])
            for person in people:
                if person.language == language:
                    writer.writerows(_orders(person, house_currency, dice))
            spoken = {person.email for person in people if person.language == language}
            for number, (email, clicked_at) in enumerate(clicks):
                if email in spoken and dice.random() < 0.16:
                    writer.writerow(_order(f"c{number}", email, clicked_at, house_currency, dice))
        with unit_of_work() as session:
            orders.import_orders(session, path, brands.brand(session, house.brand_id), "shop")


def _orders(person: Person, currency: str, dice: random.Random) -> list[list[str]]:
    rows = []
    left = person.spent
    for number in range(person.orders):
        value = left if number == person.orders - 1 else round(left / (person.orders - number), 2)
        left -= value
        when = person.joined_at + (clock.now() - person.joined_at) * dice.random() ** 0.5
        paid = round(value * 12 / 10, 2)
        rows.append([f"{person.number}-{number + 1}", person.email, when.isoformat(), str(paid), currency, str(value)])
    return rows


def _order(number: str, email: str, clicked_at: datetime, currency: str, dice: random.Random) -> list[str]:
    """Return an order that followed a click within hours."""
    when = min(clicked_at + timedelta(hours=dice.expovariate(0.15)), clock.now())
    value = Decimal(dice.randrange(1150, 11800)) / 100
    return [number, email, when.isoformat(), str(round(value * 12 / 10, 2)), currency, str(value)]
