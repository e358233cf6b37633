"""Figures over several campaigns: the list of reports and the cards of the dashboard."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.brands.queries.brands import all_brands
from app.core import clock, valkey
from app.customers.queries.contacts import contact_table
from campaigns.queries.campaigns import CampaignInfo, campaign
from campaigns.queries.responses import campaign_table
from consent.queries import gates
from consent.queries.topics import topics
from reports.policy.figures import Counts, Figures, figures
from reports.policy.series import DAY, Series, series
from reports.queries.report import CLICKS, OPENS, point
from reports.queries.response import counts
from tracking.queries.responses import cells_since

PAGE = 25
MONTH = timedelta(days=30)
SLOW_S = 0.5
_MONTH = "reports.month"
_REACHABLE = "permesso:reports:reachable"


@dataclass(frozen=True)
class Line:
    """A campaign with its figures and the currency of its brand."""

    campaign: CampaignInfo
    currency: str
    figures: Figures


@dataclass(frozen=True)
class Page:
    """Launched campaigns, newest first; ``older`` is where the next page begins, 0 at the end."""

    lines: list[Line]
    older: int


def sent_campaigns(session: Session, *, before: int | None = None, limit: int = PAGE) -> Page:
    """Return launched campaigns with their figures, the newest first, older than campaign ``before``."""
    table = campaign_table()
    query = select(table.c.id).where(table.c.launched_at.is_not(None)).order_by(table.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(table.c.id < before)
    ids = list(session.scalars(query))
    shown = ids[:limit]
    found = counts(session, shown) if shown else {}
    currencies = {brand.id: brand.currency for brand in all_brands(session)}
    lines = []
    for each in shown:
        info = campaign(session, each)
        made = figures(found[each], launched_at=info.launched_at, now=clock.now())
        lines.append(Line(info, currencies[info.brand_id], made))
    return Page(lines, shown[-1] if len(ids) > limit else 0)


def reachable(session: Session) -> tuple[int, int]:
    """Return how many contacts may be sent something (some topic has all gates open), and how many there are.

    Where counting takes long, its result is kept for ten minutes.
    """
    kept = valkey.client().get(_REACHABLE)
    if kept:
        count, total = json.loads(kept)
        return count, total
    begun = time.monotonic()
    counted = _reachable(session)
    if time.monotonic() - begun > SLOW_S:
        valkey.client().set(_REACHABLE, json.dumps(counted), ex=600)
    return counted


def _reachable(session: Session) -> tuple[int, int]:
    contact = contact_table()
    everybody = select(contact.c.id.label("contact_id")).where(
        contact.c.erased_at.is_(None), contact.c.merged_into.is_(None)
    )
    total = session.scalar(select(func.count()).select_from(everybody.subquery())) or 0
    open_to = []
    for topic in topics(session):
        judged = gates.gates(topic.id, topic.brand_id, clock.now(), everybody).subquery()
        open_to.append(select(judged.c.contact_id).where(judged.c.gate.is_(None)))
    if not open_to:
        return 0, total
    some = open_to[0].union(*open_to[1:]).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0, total


def month(session: Session) -> Counts:
    """Return the counts of all campaigns together, of messages sent in the last 30 days; asked once a session."""
    kept = session.info.get(_MONTH)
    if isinstance(kept, Counts):
        return kept
    since = clock.now() - MONTH
    c = campaign_table().c
    # A campaign launched earlier may still have been sending; 30 more days are ample for its last retry.
    ids = list(session.scalars(select(c.id).where(c.launched_at >= since - MONTH)))
    found = counts(session, ids, sent_since=since).values() if ids else ()
    names = ("sent", "attempted", "delivered", "tracked_delivered", "clicks_unique", "complaints")
    total = Counts(**{name: sum(getattr(each, name) for each in found) for name in names})
    session.info[_MONTH] = total
    return total


def course(session: Session) -> Series:
    """Return opens and clicks by people, by day of the last 30, in the time zone of the first brand."""
    brands = all_brands(session)
    end = clock.now()
    start = end - MONTH
    points = [made for made in map(point, cells_since(session, start)) if made]
    return series(points, (OPENS, CLICKS), start, end, brands[0].time_zone if brands else "UTC", DAY)
