"""A campaign's whole report: figures, the course of responses over time, links, audience."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.brands.queries.brands import BrandInfo, brand
from app.core import clock
from campaigns.policy import CampaignStatus
from campaigns.queries.campaigns import CampaignInfo, campaign
from campaigns.queries.labels import gate_label
from campaigns.queries.links import links_of
from reports.policy.figures import Figures
from reports.policy.series import DAY, Point, Series, series
from reports.queries.response import campaign_figures
from tracking.policy.classify import Label
from tracking.queries import responses
from tracking.queries.responses import Cell, LinkClicks

OPENS, CLICKS, UNTRACKED = "opens", "clicks", "untracked_clicks"
LIVE = timedelta(hours=72)


@dataclass(frozen=True)
class LinkRow:
    """A link with its clicks."""

    n: int
    label: str
    url: str
    clicks: LinkClicks


@dataclass(frozen=True)
class Makers:
    """Who made the events of one kind: people, machines, programs that fetch ahead."""

    human: int = 0
    machine: int = 0
    prefetch: int = 0
    untracked: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.human + self.machine + self.prefetch + self.untracked


@dataclass(frozen=True)
class CampaignReport:
    """All that a campaign's page and its exports show."""

    campaign: CampaignInfo
    brand: BrandInfo
    figures: Figures
    opens: Makers
    clicks: Makers
    series: Series
    links: list[LinkRow]
    excluded: list[tuple[str, object, int]]  # gate, what people read, how many
    at: datetime

    @property
    def seconds_between(self) -> int:
        """How often a page that shows it looks again; 0 when nothing much will change."""
        if self.campaign.status in (CampaignStatus.LAUNCHING, CampaignStatus.SENDING):
            return 3
        return 5 if self.campaign.launched_at and self.at - self.campaign.launched_at < LIVE else 0


def report(session: Session, campaign_id: int) -> CampaignReport:
    """Return the report of a campaign. Raises ``NotFound``."""
    info = campaign(session, campaign_id)
    owner = brand(session, info.brand_id)
    found = campaign_figures(session, campaign_id)
    cells = responses.cells(session, campaign_id)
    return CampaignReport(
        campaign=info,
        brand=owner,
        figures=found,
        opens=_makers(cells, "open"),
        clicks=_makers(cells, "click"),
        series=_series(info, owner, cells),
        links=_links(session, campaign_id),
        excluded=[(gate, gate_label(gate), number) for gate, number in found.counts.excluded.items()],
        at=clock.now(),
    )


def _makers(cells: list[Cell], kind: str) -> Makers:
    def total(*labels: str, untracked: bool = False) -> int:
        return sum(
            cell.events for cell in cells if cell.kind == kind and cell.label in labels and cell.untracked == untracked
        )

    return Makers(
        human=total(Label.HUMAN, Label.REPEAT),
        machine=total(Label.MACHINE) + total(Label.MACHINE, untracked=True),
        prefetch=total(Label.PREFETCH),
        untracked=total(Label.HUMAN, Label.REPEAT, untracked=True),
    )


def point(cell: Cell) -> Point | None:
    """Return the point of a chart that a cell adds to: what people did, machines left out."""
    if cell.label != Label.HUMAN:
        return None
    line = UNTRACKED if cell.untracked else OPENS if cell.kind == "open" else CLICKS
    return Point(cell.at, line, cell.events)


def _series(info: CampaignInfo, owner: BrandInfo, cells: list[Cell]) -> Series:
    points = [made for made in map(point, cells) if made]
    start = min([*(made.at for made in points), info.launched_at or clock.now()])
    end = max([start, *(made.at for made in points)])
    if info.finished_at is None or clock.now() - info.finished_at < DAY:
        end = max(end, min(clock.now(), start + DAY))
    lines = [OPENS, CLICKS] + ([UNTRACKED] if any(made.line == UNTRACKED for made in points) else [])
    return series(points, lines, start, end, owner.time_zone)


def _links(session: Session, campaign_id: int) -> list[LinkRow]:
    clicked = responses.links(session, campaign_id)
    rows = [
        LinkRow(n, link.label, link.url, clicked.get(n, LinkClicks(n, 0, 0, 0, 0)))
        for n, link in links_of(session, campaign_id).items()
    ]
    return sorted(rows, key=lambda row: (-row.clicks.people, -row.clicks.human, -row.clicks.untracked, row.n))
