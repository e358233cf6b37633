"""Figures of campaigns made by hand, exact."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from reports.policy.export import to_csv, to_json
from reports.queries.overview import sent_campaigns
from reports.queries.report import report
from reports.queries.response import campaign_figures
from tests.factories.consent import make_contact
from tests.factories.tracking import APPLE_PREFETCH, SENT, Sent, add_message, drained, hit, make_sent
from tracking.services.attribution import credit
from tracking.services.fold import fold

NOW = timedelta()


@pytest.fixture
def sent(session: Session) -> Sent:
    """20 delivered: 10 of them tracked, one of those bounced later; 2 refused, 1 unknown, 3 skipped, 1 held out."""
    made = make_sent(session, 10)
    for _ in range(10):
        add_message(session, made.id, make_contact(session), tracked=False)
    session.execute(
        text("UPDATE message SET state = 'failed', failed_at = now(), bounce_class = 'hard' WHERE contact_id = :id"),
        {"id": made.people[9]},
    )
    for bounce in ("soft", "block"):
        add_message(
            session, made.id, make_contact(session), state="failed", sent_at=None, smtp_code=550, bounce_class=bounce
        )
    add_message(session, made.id, make_contact(session), state="unknown", sent_at=None)
    for reason in ("suppressed", "suppressed", "permission_withdrawn"):
        add_message(session, made.id, make_contact(session), state="skipped", sent_at=None, reason=reason)
    add_message(session, made.id, make_contact(session), state="held_out", sent_at=None)
    drained(
        session,
        [
            hit(made, 0, after=100),
            hit(made, 0, after=200),
            hit(made, 0, link=0, after=210),
            hit(made, 0, link=0, after=215),
            hit(made, 0, link=1, after=400),
            hit(made, 1, link=0, after=300),
            hit(made, 2, agent=APPLE_PREFETCH),
            hit(made, 3, agent=APPLE_PREFETCH),
            hit(made, 3, after=500),
            hit(made, 4, agent="curl/8.0", link=2),
            hit(made, None, link=0, after=600),
            hit(made, None, link=0, after=601),
            hit(made, None, link=0, after=602, agent="curl/8.0"),
        ],
    )
    fold(session, settled=NOW)
    return made


def test_counts_are_exact(session: Session, sent: Sent) -> None:
    counts = campaign_figures(session, sent.id).counts
    assert counts.recipients == 23
    assert counts.attempted == 22
    assert counts.sent == 20
    assert counts.unknown == 1
    assert counts.bounces == {"hard": 1, "soft": 1, "block": 1, "undetermined": 0}
    assert counts.delivered == 19
    assert counts.tracked_delivered == 9
    assert (counts.opens, counts.opens_unique) == (5, 3)
    assert (counts.human_opens_unique, counts.inferred_opens) == (3, 1)
    assert (counts.not_prefetched, counts.not_prefetched_human_opens) == (7, 2)
    assert (counts.clicks, counts.clicks_unique) == (3, 2)
    assert counts.untracked_clicks == 2
    assert counts.excluded == {"suppressed": 2, "permission_withdrawn": 1}
    assert counts.held_out == 1


def test_each_rate_names_its_denominator(session: Session, sent: Sent) -> None:
    rates = campaign_figures(session, sent.id).rates
    made_of = {name: (rate.numerator, rate.denominator, rate.denominator_name) for name, rate in rates.items()}
    assert made_of == {
        "bounce_rate": (3, 22, "attempted"),
        "delivery_rate": (19, 22, "attempted"),
        "tracking_coverage": (9, 19, "delivered"),
        "open_rate": (3, 9, "tracked_delivered"),
        "human_open_rate": (3, 9, "tracked_delivered"),
        "estimated_open_rate": (2, 7, "tracked_delivered_not_prefetched"),
        "click_rate": (2, 9, "tracked_delivered"),
        "click_to_open_rate": (2, 3, "human_opens_unique"),
        "unsubscribe_rate": (0, 19, "delivered"),
        "spam_complaint_rate": (0, 19, "delivered"),
        "conversion_rate": (0, 19, "delivered"),
    }


def test_the_report_shows_machines_links_and_time(session: Session, sent: Sent) -> None:
    made = report(session, sent.id)
    assert (made.opens.human, made.opens.prefetch, made.opens.machine) == (3, 2, 0)
    assert (made.clicks.human, made.clicks.machine, made.clicks.untracked) == (4, 2, 2)
    first = made.links[0].clicks
    assert (first.link_n, first.people, first.human, first.machine, first.untracked) == (0, 2, 2, 1, 2)
    assert sum(made.series.lines["opens"]) == 3
    assert sum(made.series.lines["clicks"]) == 3
    assert made.series.x[0] == "2025-03-04T10:00"  # Europe/Paris


def test_exports_say_the_same(session: Session, sent: Sent) -> None:
    figures = campaign_figures(session, sent.id)
    data = to_json(figures, campaign_id=sent.id, name="=1+1", currency="EUR", at=clock.now())
    assert data["clicks_unique"] == 2
    assert data["provisional"] is False
    lines = to_csv(data).splitlines()
    assert "name,'=1+1" in lines
    assert lines[-8].startswith("open_rate,0.333")
    assert "bounces.hard,1" in lines


def test_a_young_campaign_is_provisional(session: Session) -> None:
    sent = make_sent(session, 1, sent_at=clock.now())
    assert campaign_figures(session, sent.id).provisional


def test_a_campaign_without_tracking_has_no_open_rate(session: Session) -> None:
    sent = make_sent(session, 2, tracked=False)
    rate = campaign_figures(session, sent.id).rates["human_open_rate"]
    assert (rate.value, rate.low, rate.denominator) == (None, None, 0)


def test_orders_are_credited_and_refunded(session: Session, sent: Sent) -> None:
    order(session, "1", sent.people[0], hours=2, value="80.00")
    order(session, "2", sent.people[0], hours=24 * 6, value="50.00")  # later than five days
    order(session, "3", sent.people[2], hours=2, value="70.00")  # never clicked
    order(session, "4", sent.people[0], hours=30, value="-20.00", refunds="1")
    credit(session, "SELECT id AS contact_id FROM contact")
    figures = campaign_figures(session, sent.id)
    assert (figures.counts.conversions, figures.counts.conversion_uniques) == (1, 1)
    assert figures.counts.conversion_value == Decimal("60.00")
    assert figures.average_order_value == Decimal("60.0000")
    assert figures.revenue_per_recipient == Decimal("2.6087")


def order(
    session: Session, number: str, contact_id: int, *, hours: int, value: str, refunds: str | None = None
) -> None:
    session.execute(
        text(
            'INSERT INTO "order" (source, external_id, contact_id, brand_id, at, amount, currency, rate_date, value,'
            " refunds) SELECT 'shop', :number, :contact, brand_id, :at, :value, 'EUR', :at, :value,"
            ' (SELECT id FROM "order" WHERE external_id = :refunds) FROM campaign ORDER BY id DESC LIMIT 1'
        ),
        {
            "number": number,
            "contact": contact_id,
            "at": SENT + timedelta(hours=hours),
            "value": value,
            "refunds": refunds,
        },
    )


def test_the_list_is_newest_first_and_pages(session: Session) -> None:
    made = [make_sent(session, 1) for _ in range(3)]
    page = sent_campaigns(session, limit=2)
    assert [line.campaign.id for line in page.lines] == [made[2].id, made[1].id]
    assert [line.campaign.id for line in sent_campaigns(session, before=page.older).lines] == [made[0].id]
