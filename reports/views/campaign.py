"""The report of one campaign, the list of reports, and their exports."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.views.guard import allows
from app.core.db import unit_of_work
from reports.policy.export import to_csv, to_json
from reports.queries.overview import sent_campaigns
from reports.queries.report import CLICKS, OPENS, UNTRACKED, CampaignReport, report

blueprint = Blueprint("reports", __name__, url_prefix="/reports")


@blueprint.get("")
@allows(Role.VIEWER)
def index() -> str:
    """List the campaigns that were launched, with their main rates."""
    before = request.args.get("before", type=int)
    with unit_of_work() as session:
        page = sent_campaigns(session, before=before)
    return render_template("web/reports/index.html", page=page)


@blueprint.get("/campaigns/<int:campaign_id>")
@allows(Role.VIEWER)
def campaign(campaign_id: int) -> str:
    """Show the report of a campaign; it keeps itself up to date while responses come in."""
    with unit_of_work() as session:
        found = report(session, campaign_id)
    return render_template("web/reports/campaign.html", **_context(found))


@blueprint.get("/campaigns/<int:campaign_id>/live")
@allows(Role.VIEWER)
def live(campaign_id: int) -> ResponseReturnValue:
    """Return the body of the report for htmx; 204 while it is as the page has it (``seen``)."""
    with unit_of_work() as session:
        found = report(session, campaign_id)
    context = _context(found)
    if request.args.get("seen") == context["seen"]:
        return "", 204
    return render_template("web/reports/_body.html", **context)


@blueprint.get("/campaigns/<int:campaign_id>/figures.<any(json, csv):form>")
@allows(Role.ANALYST)
def export(campaign_id: int, form: str) -> ResponseReturnValue:
    """Return the figures of a campaign as ``flask reports campaign`` prints them."""
    with unit_of_work() as session:
        found = report(session, campaign_id)
    data = to_json(
        found.figures, campaign_id=campaign_id, name=found.campaign.name, currency=found.brand.currency, at=found.at
    )
    if form == "json":
        return data
    headers = {"Content-Disposition": f'attachment; filename="campaign-{campaign_id}.csv"'}
    return Response(to_csv(data), content_type="text/csv; charset=utf-8", headers=headers)


def _context(found: CampaignReport) -> dict[str, object]:
    """What the page and its fragment show. ``seen`` tells one state of the figures from the next."""
    counts = found.figures.counts
    shown = repr((found.campaign.status, found.figures, found.opens, found.clicks, found.links, found.series.x[-1:]))
    seen = hashlib.sha256(shown.encode()).hexdigest()[:16]
    return {
        "report": found,
        "counts": counts,
        "rates": found.figures.rates,
        "seen": seen,
        "refresh": url_for("reports.live", campaign_id=found.campaign.id, seen=seen),
        "over_time": _over_time(found),
        "funnel": _funnel(found),
    }


def _over_time(found: CampaignReport) -> dict[str, object]:
    names = {OPENS: _("Opens by people"), CLICKS: _("Clicks by people"), UNTRACKED: _("Clicks without tracking")}
    series = [{"name": names[line], "data": values} for line, values in found.series.lines.items()]
    return {"kind": "line" if len(found.series.x) > 1 else "bar", "x": found.series.x, "series": series, "unit": ""}


def _funnel(found: CampaignReport) -> dict[str, object]:
    """The way from delivery to purchase, among mails that carried tracking."""
    counts = found.figures.counts
    steps = (
        (_("Delivered"), counts.tracked_delivered),
        (_("Opened by people"), counts.human_opens_unique),
        (_("Clicked"), counts.clicks_unique),
        (_("Ordered"), counts.conversion_uniques),
    )
    return {"kind": "funnel", "steps": [{"name": name, "value": value} for name, value in steps]}
