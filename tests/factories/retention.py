"""What tests of retention share: streams of events, all figures, and what sealing may not change in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.db import unit_of_work
from app.customers.services import profile
from campaigns.queries import segments
from consent.queries import upkeep
from reports.queries.report import report
from tests.factories.tracking import (
    APPLE_PREFETCH,
    CHROME,
    GMAIL_PROXY,
    SENT,
    Sent,
    add_message,
    drained,
    hit,
    make_sent,
)
from tracking.policy.hits import Hit
from tracking.queries import segments as tracking_segments
from tracking.services import attribution, orders
from tracking.services.fold import fold
from tracking.services.rebuild import rebuild
from tracking.services.seal import seal_hours, seal_person

NOW = timedelta()
FIRST_HOUR = int(SENT.timestamp()) // 3600
HOURS = 4
# A process that runs one run of the upkeep, so many days from now.
RUN = """
from datetime import timedelta
from app.core import clock, config, db
from consent.services.ageing import upkeeps
from consent.tasks.ageing import run
from tracking.services import retention
config.use(config.Settings.from_env())
db.connect(config.current().database_url)
clock.shift(timedelta(days={days}))
upkeeps.add(retention.UPKEEP.name, retention.UPKEEP)
print("ready", flush=True)
run.function({run_id})
"""
_FOLDS = {
    "message": "SELECT campaign_id, contact_id, opened_at, human_opened_at, clicked_at, opens, human_opens, clicks"
    " FROM message",
    "rollup": "SELECT campaign_id, cell, kind, label, link_n, untracked, events FROM rollup",
    "profile": "SELECT contact_id, opened_at, clicked_at, opens, clicks, orders, order_value FROM contact_profile",
    "conversion": "SELECT external_id, campaign_id, c.contact_id, credited_at, c.value, clicked_at"
    ' FROM conversion c JOIN "order" o ON o.id = c.order_id',
}
_SEGMENTS = (
    {"engagement": "opened", "op": "did"},
    {"engagement": "clicked", "op": "did", "last_campaigns": 1},
    {"clicks": "link", "match": "contains", "value": "shop.example", "op": "did", "times": 2},
    {"clicks": "link", "match": "is", "value": "https://shop.example/a", "op": "did"},
    {"clicks": "link", "match": "is", "value": "https://shop.example/b", "op": "did_not"},
)


def figures(session: Session, campaigns: list[Sent]) -> dict[str, object]:
    """Every fold, every report, and who is in segments."""
    tracking_segments.register()
    found: dict[str, object] = {
        name: sorted(map(tuple, session.execute(text(sql))), key=repr) for name, sql in _FOLDS.items()
    }
    session.expire_all()
    for number, sent in enumerate(campaigns):
        found[f"report {number}"] = replace(report(session, sent.id), at=datetime(2026, 1, 1, tzinfo=UTC))
    found["segments"] = [sorted(session.scalars(segments.compile(session, segment))) for segment in _SEGMENTS]
    return found


def progress_of(run_id: int) -> tuple[str, int]:
    """State of a run of the upkeep, and how many hours it has sealed."""
    with unit_of_work() as session:
        run = upkeep.run(session, run_id)
    return run.status, run.done


def raw(session: Session) -> int:
    """How many raw events there are."""
    return int(session.scalar(text("SELECT count(*) FROM event")) or 0)


def two_campaigns(session: Session, people: int = 2) -> list[Sent]:
    """Two campaigns of one brand to the same people."""
    first = make_sent(session, people)
    second = make_sent(session, 0, brand_id=first.brand_id)
    for person in first.people:
        add_message(session, second.id, person)
    return [first, Sent(second.id, first.brand_id, first.people)]


def buy(session: Session, sent: Sent, person: int, after: float, *, refunded: bool = False) -> None:
    """Have somebody buy, ``after`` seconds, and perhaps send it back a minute later."""
    number = int(session.scalar(text('SELECT count(*) FROM "order"')) or 0)
    values = {"who": sent.people[person], "brand": sent.brand_id, "at": SENT + timedelta(seconds=after), "n": number}
    insert = (
        'INSERT INTO "order" (source, external_id, contact_id, brand_id, at, amount, currency, rate_date, value,'
        " refunds)"
        " VALUES ('shop', CAST(:n AS text) || CAST(:refunds AS text), :who, :brand, :at, :amount, 'EUR', :at, :amount,"
        " CAST(nullif(:refunds, '') AS bigint)) RETURNING id"
    )
    bought = session.scalar(text(insert), values | {"amount": 10 + number, "refunds": ""})
    if refunded:
        session.execute(
            text(insert), values | {"at": values["at"] + timedelta(minutes=1), "amount": -5, "refunds": str(bought)}
        )
    people = f"SELECT {sent.people[person]} AS contact_id"
    attribution.credit(session, people)
    orders.totals(session, "bought_total", people)
    profile.set_orders(session, "bought_total")


Shape = tuple[int, int | None, float, int | None, str, str]

# Close to the full hours, where what is sealed ends, and where a burst or a repetition may lie on both sides.
moments = st.builds(
    lambda hour, near: hour * 3600.0 + near,
    st.integers(0, HOURS - 1),
    st.sampled_from([-11.0, -3, -1, -0.5, 0, 0.4, 0.8, 1.5, 4, 9, 11, 13, 600, 3000]),
).filter(lambda after: after >= 0)
shapes = st.tuples(
    st.integers(0, 1),
    st.sampled_from([0, 0, 0, 1, 1, None]),
    moments,
    st.sampled_from([None, 0, 0, 1, 2]),
    st.sampled_from([CHROME, CHROME, CHROME, CHROME, APPLE_PREFETCH, GMAIL_PROXY, "curl/8"]),
    st.sampled_from(["GET", "GET", "GET", "GET", "HEAD"]),
)
streams = st.lists(shapes, min_size=1, max_size=24, unique_by=lambda shape: shape[:4])


def hit_of(campaigns: list[Sent], shape: Shape) -> Hit:
    """Return the hit of a shape: campaign, person (None: by a campaign-wide link), seconds, link, agent, method."""
    campaign, person, after, link, agent, method = shape
    if person is None and link is None:
        link = 0  # campaign-wide are links alone
    return hit(campaigns[campaign], person, after=after, link=link, agent=agent, method=method)


Cut = tuple[int, tuple[str, int, float]]
steps = st.one_of(
    st.tuples(st.just("fold"), st.just(0), st.just(0.0)),
    st.tuples(st.just("hour"), st.integers(0, HOURS), st.just(0.0)),
    st.tuples(st.just("person"), st.integers(0, 1), st.just(0.0)),
    st.tuples(st.sampled_from(["order", "refund"]), st.integers(0, 1), st.floats(0, HOURS * 3600.0)),
)
cuts = st.lists(st.tuples(st.integers(0, 24), steps), max_size=10)
buyers = st.lists(st.tuples(st.integers(0, 1), st.floats(0, HOURS * 3600.0)), max_size=4)


def seal_anywhere(session: Session, stream: list[Shape], cuts: list[Cut]) -> None:
    """Drain a stream one by one, doing the steps of ``cuts`` behind the events they name: none may show."""
    outer = session.begin_nested()
    campaigns = two_campaigns(session)
    for place, shape in enumerate(stream):
        drained(session, [hit_of(campaigns, shape)])
        for step in (step for at, step in cuts if at == place):
            _take(session, campaigns, step)
    while fold(session, settled=NOW):
        pass
    assert session.scalar(text("SELECT sum(events) FROM rollup")) == len(stream)
    _unseen(session, campaigns, lambda: seal_hours(session, range(FIRST_HOUR, FIRST_HOUR + HOURS)))
    assert raw(session) == 0
    outer.rollback()


def _take(session: Session, campaigns: list[Sent], step: tuple[str, int, float]) -> None:
    what, which, after = step
    if what == "fold":
        fold(session, settled=NOW)
    elif what == "hour":
        _unseen(session, campaigns, lambda: seal_hours(session, [FIRST_HOUR + which]))
    elif what == "person":
        _unseen(session, campaigns, lambda: seal_person(session, campaigns[0].people[which]))
    else:
        buy(session, campaigns[0], which, after, refunded=what == "refund")


def _unseen(session: Session, campaigns: list[Sent], act: Callable[[], object]) -> None:
    """Do something that no figure may show, and that leaves nothing to mend."""
    before = figures(session, campaigns)
    act()
    assert figures(session, campaigns) == before
    assert rebuild(session).total == 0
    assert figures(session, campaigns) == before


def live_twice(session: Session, stream: list[Shape], orders: list[tuple[int, float]]) -> None:
    """Have the same happen in a world that keeps its events and in one that seals an hour once it is over."""
    outer = session.begin_nested()
    campaigns = two_campaigns(session)
    kept, sealed = (_lived(session, campaigns, stream, orders, seals) for seals in (False, True))
    assert sealed == kept
    outer.rollback()


def _lived(
    session: Session, campaigns: list[Sent], stream: list[Shape], orders: list[tuple[int, float]], seals: bool
) -> dict[str, object]:
    attempt = session.begin_nested()
    start = 0.0
    for hour in range(1, HOURS + 1):
        end = hour * 3600.0 + 13  # what bears on the events of an hour has come when the hour is sealed
        for person, after in orders:
            if start <= after < end:
                buy(session, campaigns[0], person, after)
        hits = [hit_of(campaigns, shape) for shape in stream if start <= shape[2] < end]
        for some in (hits[::2], hits[1::2]):
            drained(session, some)
            fold(session, settled=NOW)
        if seals:
            seal_hours(session, range(FIRST_HOUR, FIRST_HOUR + hour))
            assert rebuild(session).total == 0
        start = end
    found = figures(session, campaigns)
    attempt.rollback()
    return found
