"""A customer base to measure with: people with 20 fields, their permissions, 120 campaigns' mails with ten events a
person, two orders a person. Everything follows from the numbers of people and rows, so the same size is the same base.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from app.bench.ground import Result
from app.brands.services.set_up import BrandDetails, create_brand, create_sender, set_controller
from app.core import db
from app.core.db import unit_of_work
from app.core.errors import Conflict
from app.core.secrets import address_key
from app.customers.queries.contacts import any_contact
from app.customers.services import fields
from consent.services import topics

CHUNK = 50_000
CAMPAIGNS = 120
TOPICS = ("news", "offers", "events")
CATEGORIES = ("wine", "tea", "coffee", "glass", "books", "travel", "events", "sale")
FIELDS: dict[str, str] = {
    "points": "number",
    "visits": "number",
    "household": "number",
    "lat": "number",
    "lon": "number",
    "spent": "money",
    "credit": "money",
    "born": "date",
    "joined": "date",
    "renewed": "date",
    "member": "boolean",
    "newsletter": "boolean",
    "child": "boolean",
    "size": "choice",
    "plan": "choice",
    "likes": "choices",
    "city": "text",
    "company": "text",
    "adviser": "text",
    "shop": "url",
}
CHOICES = {"size": ("S", "M", "L", "XL"), "plan": ("free", "basic", "pro"), "likes": CATEGORIES[:5]}


def run(*, quick: bool, contacts: int | None = None) -> Result:
    """Fill this deployment's base, which must hold nobody yet. Raises ``Conflict`` when it does."""
    contacts = contacts or (20_000 if quick else 1_000_000)
    with unit_of_work() as session:
        if any_contact(session):
            raise Conflict("This base holds people already: name an empty database in DATABASE_URL to seed.")
    fill(contacts)
    with unit_of_work() as session:
        figures = {
            table: session.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0
            for table in ("contact", "permission", "suppression", "message", "event", "order")
        }
    return Result("seed", figures=figures)


def seeded() -> int:
    """Return how many people this database was seeded with, 0 for any other base."""
    with unit_of_work() as session:
        said = session.scalar(text("SELECT obj_description('contact'::regclass, 'pg_class')")) or ""
    return int(said.removeprefix("seeded: ")) if said.startswith("seeded: ") else 0


def fill(contacts: int) -> None:
    """Fill the database that this process is bound to."""
    with unit_of_work() as session:
        set_controller(
            session, legal_name="Seed SAS", postal_address="1 rue de l'Exemple", contact_email="a@example.com"
        )
        brands = [
            create_brand(
                session, BrandDetails(name=name, postal_address="1 rue de l'Exemple", time_zone="Europe/Paris")
            )
            for name in ("Seed", "Stone")
        ]
        create_sender(session, brands[0], name="Seed", email="news@example.com")
        for topic in TOPICS:
            topics.create(session, brands[0], topic)
        for name, kind in FIELDS.items():
            fields.declare(session, name, kind, name.capitalize(), choices=CHOICES.get(name, ()))
        session.execute(text(_DRAW))
    for first in range(1, contacts + 1, CHUNK):
        emails = [
            f"person{number}@example{number % 50}.test" for number in range(first, min(first + CHUNK, contacts + 1))
        ]
        with unit_of_work() as session:
            session.execute(
                text(_PEOPLE), {"emails": emails, "keys": [address_key(e) for e in emails], "first": first - 1}
            )
    for statement in _rest(contacts):
        with unit_of_work() as session:
            session.execute(text("SET LOCAL work_mem = '256MB'"))
            session.execute(text("SET LOCAL synchronous_commit = off"))
            session.execute(text(statement))
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP FUNCTION draw(bigint, bigint)"))
        connection.execute(text(f"COMMENT ON TABLE contact IS 'seeded: {contacts}'"))
        connection.execute(text("VACUUM ANALYZE"))


# A number from 0 to 1 that follows from what is numbered and from what it is drawn for.
_DRAW = """
CREATE FUNCTION draw(n bigint, what bigint) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, what) & 4294967295) / 4294967296.0
"""

_PEOPLE = """
INSERT INTO contact (email, email_key, address_key, first_name, last_name, language, country, time_zone, source, tags,
    created_at, attributes)
SELECT e, e, k,
    (ARRAY['Ada', 'Ben', 'Zoé', 'Inès', 'Omar', 'Lin', 'Noa', 'Max'])[1 + (draw(n, 1) * 8)::int % 8] || n % 1000,
    'Example',
    CASE WHEN draw(n, 2) < 0.55 THEN 'fr' WHEN draw(n, 2) < 0.9 THEN 'en' END,
    (ARRAY['FR', 'FR', 'FR', 'DE', 'GB', 'ES', 'US', 'CH', 'BE', 'JP'])[1 + (draw(n, 3) * 10)::int % 10],
    CASE WHEN draw(n, 4) < 0.8 THEN
        (ARRAY['Europe/Paris', 'Europe/London', 'America/New_York', 'Asia/Tokyo'])[1 + (draw(n, 5) * 4)::int % 4] END,
    (ARRAY['shop', 'form', 'import', 'fair', 'phone'])[1 + (draw(n, 6) * 5)::int % 5],
    CASE WHEN draw(n, 7) < 0.1 THEN '{vip}' WHEN draw(n, 7) < 0.4 THEN '{customer}' ELSE '{}' END::text[],
    now() - draw(n, 8) * interval '1500 days',
    jsonb_strip_nulls(jsonb_build_object(
        'points', (draw(n, 10) * 1000)::int, 'visits', (draw(n, 11) * 60)::int,
        'household', CASE WHEN draw(n, 12) < 0.5 THEN 1 + (draw(n, 12) * 10)::int END,
        'lat', round((43 + draw(n, 13) * 8)::numeric, 4), 'lon', round((draw(n, 14) * 8 - 1)::numeric, 4),
        'spent', round((draw(n, 15) ^ 3 * 2000)::numeric, 2), 'credit', round((draw(n, 16) * 50)::numeric, 2),
        'born', CASE WHEN draw(n, 17) < 0.7 THEN date '1940-01-01' + (draw(n, 18) * 25000)::int END,
        'joined', date '2020-01-01' + (draw(n, 19) * 2000)::int,
        'renewed', CASE WHEN draw(n, 20) < 0.3 THEN date '2025-01-01' + (draw(n, 21) * 700)::int END,
        'member', draw(n, 22) < 0.3, 'newsletter', draw(n, 23) < 0.8, 'child', draw(n, 24) < 0.25,
        'size', (ARRAY['S', 'M', 'L', 'XL'])[1 + (draw(n, 25) * 4)::int % 4],
        'plan', (ARRAY['free', 'free', 'basic', 'pro'])[1 + (draw(n, 26) * 4)::int % 4],
        'likes', CASE WHEN draw(n, 27) < 0.5 THEN '["wine", "tea"]' WHEN draw(n, 27) < 0.8 THEN '["coffee"]' END::jsonb,
        'city', 'City ' || (draw(n, 28) * 500)::int,
        'company', CASE WHEN draw(n, 29) < 0.2 THEN 'Company ' || n % 5000 END,
        'adviser', 'Adviser ' || n % 40, 'shop', 'https://shop.example/' || n % 100))
FROM (SELECT e, k, i + :first AS n FROM unnest(CAST(:emails AS text[]), CAST(:keys AS bytea[])) WITH ORDINALITY
    AS given(e, k, i)) AS numbered
"""


def _rest(contacts: int) -> Iterator[str]:
    for number, (share, salt) in enumerate(((0.85, 30), (0.45, 31), (0.2, 32)), 1):
        yield _PERMISSION.format(topic=TOPICS[number - 1], share=share, salt=salt)
    yield _SUPPRESSION
    yield _CAMPAIGNS
    yield "SELECT ensure_message_partition(id) FROM campaign"
    yield "SELECT ensure_event_partition(now() - make_interval(months => m)) FROM generate_series(0, 26) m"
    for campaign in range(1, CAMPAIGNS + 1):
        yield _MESSAGES.format(campaign=campaign)
        yield _EVENTS.format(campaign=campaign)
    yield _ORDERS.format(orders=2 * contacts, contacts=contacts)
    yield _PROFILES


_PERMISSION = """
INSERT INTO permission (contact_id, topic_id, state, level, basis, address_key, since, event_id)
SELECT id, (SELECT id FROM topic WHERE slug = '{topic}'),
    CASE WHEN draw(id, {salt}0) < 0.8 THEN 'granted' WHEN draw(id, {salt}0) < 0.92 THEN 'withdrawn'
        WHEN draw(id, {salt}0) < 0.97 THEN 'pending' ELSE 'expired' END,
    CASE WHEN draw(id, {salt}1) < 0.6 THEN 'confirmed' WHEN draw(id, {salt}1) < 0.9 THEN 'opt_in' ELSE 'opt_out' END,
    'consent', address_key, greatest(created_at, now() - draw(id, {salt}2) * interval '1500 days'), 0
FROM contact WHERE draw(id, {salt}) < {share} ORDER BY contact.id
"""
_SUPPRESSION = """
INSERT INTO suppression (kind, address_key, sha256, reason)
SELECT 'address', address_key, sha256(address_key),
    (ARRAY['hard_bounce', 'hard_bounce', 'complaint', 'objection', 'manual'])[1 + id % 5]
FROM contact WHERE draw(id, 40) < 0.03 ORDER BY contact.id
"""
_CAMPAIGNS = f"""
WITH made AS (
    INSERT INTO campaign (brand_id, topic_id, sender_id, name, status, launched_at, finished_at)
    SELECT (SELECT min(id) FROM brand), (SELECT min(id) FROM topic), (SELECT min(id) FROM sender), 'Campaign ' || c,
        'finished', now() - ({CAMPAIGNS} - c) * interval '6 days' - interval '1 day',
        now() - ({CAMPAIGNS} - c) * interval '6 days' - interval '20 hours'
    FROM generate_series(1, {CAMPAIGNS}) c RETURNING id)
INSERT INTO campaign_link (campaign_id, n, url, label, category)
SELECT id, n, 'https://shop.example/' || category || '/' || n, 'Link ' || n, category
FROM made, generate_series(0, 9) n, LATERAL (SELECT (ARRAY['{"', '".join(CATEGORIES)}'])[1 + (id + n) % 8]) c (category)
"""
# A twentieth of the people each; nine of ten may be measured, a third of those opens as a human, an eighth clicks.
_MESSAGES = """
INSERT INTO message (campaign_id, contact_id, state, tracked, address_key, sent_at, bounce_class, opened_at,
    human_opened_at, clicked_at, opens, human_opens, clicks)
SELECT {campaign}, id, CASE WHEN draw(id, {campaign}02) < 0.01 THEN 'failed' ELSE 'sent' END, tracked, address_key,
    sent_at, CASE WHEN draw(id, {campaign}02) BETWEEN 0.01 AND 0.015 THEN 'hard' END,
    CASE WHEN tracked AND (opened OR draw(id, {campaign}05) < 0.45) THEN sent_at + interval '1 minute' END,
    CASE WHEN tracked AND opened THEN sent_at + draw(id, {campaign}06) * interval '30 hours' END,
    CASE WHEN tracked AND opened AND draw(id, {campaign}07) < 0.36
        THEN sent_at + (draw(id, {campaign}06) + 0.01) * interval '30 hours' END,
    0, CASE WHEN tracked AND opened THEN 1 + (draw(id, {campaign}08) * 4)::int ELSE 0 END,
    CASE WHEN tracked AND opened AND draw(id, {campaign}07) < 0.36 THEN 1 + (draw(id, {campaign}09) * 3)::int ELSE 0 END
FROM (SELECT c.id, c.address_key, p.launched_at + draw(c.id, {campaign}01) * interval '4 hours' AS sent_at,
        draw(c.id, {campaign}03) < 0.9 AS tracked,
        draw(c.id, {campaign}02) > 0.015 AND draw(c.id, {campaign}04) < 0.1 + 0.5 * draw(c.id, 50) AS opened
    FROM contact c, campaign p WHERE p.id = {campaign} AND draw(c.id, {campaign}00) < 0.05 ORDER BY c.id) AS drawn
"""
_EVENTS = """
INSERT INTO event (at, id, batch_id, kind, campaign_id, contact_id, link_n, agent_family, delay_s, label, classifier)
SELECT at, (CAST({campaign} AS bigint) << 32) + row_number() OVER (), {campaign}, kind, campaign_id, contact_id, link_n,
    'Firefox', extract(epoch FROM at - sent_at)::int, label, 1
FROM (
    SELECT campaign_id, contact_id, sent_at, human_opened_at + n * interval '3 hours' AS at, 'open' AS kind,
        NULL::smallint AS link_n, 'human' AS label
    FROM message, generate_series(0, human_opens - 1) n WHERE campaign_id = {campaign} AND human_opens > 0
    UNION ALL
    SELECT campaign_id, contact_id, sent_at, clicked_at + n * interval '1 minute', 'click',
        (draw(contact_id, {campaign}000 + n) * 9)::smallint, 'human'
    FROM message, generate_series(0, clicks - 1) n WHERE campaign_id = {campaign} AND clicks > 0
    UNION ALL
    SELECT campaign_id, contact_id, sent_at, sent_at + interval '1 minute', 'open', NULL, 'prefetch'
    FROM message WHERE campaign_id = {campaign} AND tracked AND draw(contact_id, {campaign}05) < 0.45
    UNION ALL
    SELECT campaign_id, contact_id, sent_at, sent_at + n * interval '1 second', 'click', n::smallint, 'machine'
    FROM message, generate_series(0, 9) n
    WHERE campaign_id = {campaign} AND tracked AND draw(contact_id, {campaign}10) < 0.03
) AS happened ORDER BY at
"""
# Some buy often: the square of an even draw crowds at the low numbers.
_ORDERS = """
INSERT INTO "order" (source, external_id, contact_id, brand_id, at, amount, currency, rate_date, value, items)
SELECT 'seed', o::text, 1 + floor({contacts} * draw(o, 60) ^ 2)::bigint, (SELECT min(id) FROM brand) + o % 2, at, value,
    'EUR', at, value,
    jsonb_build_array(jsonb_build_object('sku', 'P-' || (draw(o, 61) * 400)::int, 'name', 'Product', 'category',
        (ARRAY['wine', 'tea', 'coffee', 'glass', 'books', 'travel', 'events', 'sale'])[1 + (draw(o, 62) * 8)::int % 8]))
FROM (SELECT o, now() - draw(o, 63) * interval '1000 days' AS at,
        round((8 + draw(o, 64) ^ 3 * 300)::numeric, 2) AS value
    FROM generate_series(1, {orders}) o) AS sold ORDER BY at
"""
_PROFILES = """
INSERT INTO contact_profile (contact_id, opened_at, clicked_at, opens, clicks, ordered_at, orders, order_value)
SELECT contact_id, max(opened_at), max(clicked_at), coalesce(sum(opens), 0), coalesce(sum(clicks), 0), max(ordered_at),
    coalesce(sum(orders), 0), coalesce(sum(value), 0)
FROM (
    SELECT contact_id, max(human_opened_at) AS opened_at, max(clicked_at) AS clicked_at, sum(human_opens) AS opens,
        sum(clicks) AS clicks, NULL::timestamptz AS ordered_at, NULL::bigint AS orders, NULL::numeric AS value
    FROM message WHERE human_opened_at IS NOT NULL GROUP BY contact_id
    UNION ALL
    SELECT contact_id, NULL, NULL, NULL, NULL, max(at), count(*), sum(value) FROM "order" GROUP BY contact_id
) AS did GROUP BY contact_id ORDER BY contact_id
"""
