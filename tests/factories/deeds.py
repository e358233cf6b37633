"""What the crowd of ``people`` did and was told: suppressions, orders, clicks, lists, objections."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.factories.people import NOW, Click, Crowd, Person, Sale, Stop

REASONS = ("hard_bounce", "complaint", "objection", "manual")
LINKS = (
    ("https://shop.example/wine?red", "Wine"),
    ("https://shop.example/tea_50%25", "tea"),
    ("https://blog.example/Wine", ""),
)
ITEMS: tuple[list[dict[str, str]], ...] = (
    [],
    [{"sku": "W-1", "name": "Red", "category": "wine"}],
    [{"sku": "T-1", "name": "Green", "category": "tea"}, {"sku": "W-2", "name": "White", "category": "wine"}],
    [{"name": "W-1"}],
)


def make_deeds(session: Session, crowd: Crowd, brands: dict[str, int], topics: dict[str, int]) -> None:
    """Store what the crowd did, and note it on its people. ``brands`` and ``topics`` map slugs to ids."""
    chance = random.Random(20260228)
    for campaign_id, _ in crowd.campaigns:
        for n, (url, category) in enumerate(LINKS[: 2 + campaign_id % 2]):
            crowd.links[campaign_id, n] = (url, category)
            session.execute(
                text("INSERT INTO campaign_link (campaign_id, n, url, category) VALUES (:c, :n, :url, :category)"),
                {"c": campaign_id, "n": n, "url": url, "category": category},
            )
    crowd.lists = [_list(session, name) for name in ("One", "Two")]
    for person in crowd.people:
        _marks(session, chance, person)
        _stop(session, chance, person, topics)
        _buy(session, chance, person, brands)
        _click(session, chance, person, crowd)
        for list_id in crowd.lists:
            if chance.random() < 0.3:
                person.lists.add(list_id)
                session.execute(
                    text("INSERT INTO people_list_member VALUES (:list, :id)"), {"list": list_id, "id": person.id}
                )


def _list(session: Session, name: str) -> int:
    made = session.execute(
        text("INSERT INTO people_list (name, kind) VALUES (:name, 'upload') RETURNING id"), {"name": name}
    )
    return int(made.scalar_one())


def _marks(session: Session, chance: random.Random, person: Person) -> None:
    person.objected, person.complained = chance.random() < 0.1, chance.random() < 0.1
    session.execute(
        text(
            "UPDATE contact SET objected_at = CASE WHEN :objected THEN now() END,"
            " complained_at = CASE WHEN :complained THEN now() END WHERE id = :id"
        ),
        {"objected": person.objected, "complained": person.complained, "id": person.id},
    )
    if person.objected:
        session.execute(text("DELETE FROM contact_profile WHERE contact_id = :id"), {"id": person.id})


def _stop(session: Session, chance: random.Random, person: Person, topics: dict[str, int]) -> None:
    for _ in range(chance.choice((0, 0, 1, 2))):
        topic = chance.choice((None, *topics))
        until = chance.choice((None, None, NOW - timedelta(days=1), NOW + timedelta(days=1)))
        lifted = chance.choice((None, None, NOW))
        stop = Stop(chance.choice(REASONS), topic, lifted is None and (until is None or until > NOW))
        kind = chance.choice(("address", "pattern"))
        session.execute(
            text("""
            INSERT INTO suppression (kind, address_key, value, reason, scope, topic_id, until, lifted_at)
            SELECT :kind, CASE :kind WHEN 'address' THEN address_key END,
                CASE :kind WHEN 'pattern' THEN email_key END, :reason, :scope, :topic, :until, :lifted
            FROM contact WHERE id = :id
            """),
            {
                "kind": kind,
                "reason": stop.reason,
                "scope": "topic" if topic else "all",
                "topic": topics[topic] if topic else None,
                "until": until,
                "lifted": lifted,
                "id": person.id,
            },
        )
        person.suppressions.append(stop)


def _buy(session: Session, chance: random.Random, person: Person, brands: dict[str, int]) -> None:
    for _ in range(chance.choice((0, 0, 1, 2, 4))):
        value = Decimal(chance.choice(("10", "49.99", "150")))
        at = NOW - timedelta(days=chance.choice((1, 29, 31, 300)))
        sale = Sale(at, value, chance.choice([*brands]), chance.choice(ITEMS))
        order_id = _order(session, person, sale, brands[sale.brand], None)
        person.orders.append(sale)
        if chance.random() < 0.25:
            refund = Sale(min(NOW - timedelta(hours=1), at + timedelta(days=3)), -value, sale.brand, [], sale)
            _order(session, person, refund, brands[sale.brand], order_id)
            person.orders.append(refund)
    bought = [sale for sale in person.orders if sale.refunds is None]
    if bought and not person.objected:
        session.execute(
            text("""
            INSERT INTO contact_profile (contact_id, ordered_at, orders, order_value) VALUES (:id, :at, :orders, :value)
            ON CONFLICT (contact_id) DO UPDATE SET ordered_at = :at, orders = :orders, order_value = :value
            """),
            {
                "id": person.id,
                "at": max(sale.at for sale in bought),
                "orders": len(bought),
                "value": sum(sale.value for sale in person.orders),
            },
        )


def _order(session: Session, person: Person, sale: Sale, brand_id: int, refunds: int | None) -> int:
    made = session.execute(
        text("""
        INSERT INTO "order" (source, external_id, contact_id, brand_id, at, amount, currency, rate_date, value, refunds,
            items)
        VALUES ('shop', gen_random_uuid()::text, :id, :brand, :at, :value, 'EUR', :at, :value, :refunds,
            CAST(:items AS jsonb)) RETURNING id
        """),
        {
            "id": person.id,
            "brand": brand_id,
            "at": sale.at,
            "value": sale.value,
            "refunds": refunds,
            "items": json.dumps(sale.items),
        },
    )
    return int(made.scalar_one())


def _click(session: Session, chance: random.Random, person: Person, crowd: Crowd) -> None:
    for mail in person.mails:
        if mail.clicked_at is None:
            continue
        for _ in range(chance.choice((1, 1, 2))):
            link = chance.choice([n for campaign, n in crowd.links if campaign == mail.campaign])
            at = mail.clicked_at + timedelta(minutes=chance.randrange(1000))
            human = chance.random() < 0.8
            if human:
                person.clicks.append(Click(mail.campaign, link, at))
            _event(session, person, mail.campaign, link, at, "human" if human else "machine")


def _event(session: Session, person: Person, campaign: int, link: int, at: datetime, label: str) -> None:
    session.execute(text("SELECT ensure_event_partition(:at)"), {"at": at})
    session.execute(
        text("""
        INSERT INTO event (at, id, batch_id, kind, campaign_id, contact_id, link_n, label)
        VALUES (:at, (random() * 1e15)::bigint, 1, 'click', :campaign, :person, :link, :label)
        """),
        {"at": at, "campaign": campaign, "person": person.id, "link": link, "label": label},
    )
