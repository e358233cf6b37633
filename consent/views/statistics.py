"""Permission over time: what topics gained and lost, as picture, table and CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.views.guard import allows
from app.core import clock
from app.core.db import unit_of_work
from consent.forms.names import BASIS_NAMES, LEVEL_NAMES
from consent.policy.statistics import By, Period
from consent.queries import statistics as queries
from consent.queries import topics
from consent.queries.statistics import Statistics

blueprint = Blueprint("statistics", __name__, url_prefix="/statistics")
COLUMNS = ("gained", "withdrawn", "expired", "objected", "complained", "purged")
LONGEST = timedelta(days=20 * 366)


@dataclass(frozen=True)
class Asked:
    """What the address asks for; what cannot be read becomes the standard."""

    slug: str
    first: date
    last: date
    by: By

    @classmethod
    def of_request(cls) -> Asked:
        """Read the query."""
        last = _day(request.args.get("to")) or clock.now().date()
        first = _day(request.args.get("from")) or last - timedelta(days=365)
        first = max(min(first, last), last - LONGEST)
        named = request.args.get("by", "")
        by = By(named) if named in list(By) else By.MONTH
        return cls(request.args.get("topic", ""), first, last, by)


@blueprint.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Show the figures of one topic, or of all together."""
    asked = Asked.of_request()
    with unit_of_work() as session:
        known = topics.topics(session, archived=True)
        chosen = [topic for topic in known if topic.slug == asked.slug] or known
        found = queries.statistics(session, [topic.id for topic in chosen], asked.first, asked.last, asked.by)
        folded_at = queries.folded_at(session)
    return render_template(
        "web/consent/statistics.html",
        asked=asked,
        topics=known,
        found=found,
        changes=_changes(found),
        standing=_standing(found),
        folded_at=folded_at,
        parts=_parts(found),
        language_code=_language(),
    )


@blueprint.get("/figures.csv")
@allows(Role.VIEWER)
def figures() -> ResponseReturnValue:
    """Download the periods of each chosen topic."""
    asked = Asked.of_request()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    lost = ("lost", "end", "list_growth_rate", "churn_rate")
    writer.writerow(["topic", "begin", "start", *COLUMNS, *lost])
    with unit_of_work() as session:
        known = topics.topics(session, archived=True)
        for topic in [topic for topic in known if topic.slug == asked.slug] or known:
            found = queries.statistics(session, [topic.id], asked.first, asked.last, asked.by)
            writer.writerows([topic.slug, *_row(period)] for period in found.periods)
    headers = {"Content-Disposition": 'attachment; filename="permission.csv"'}
    return Response(out.getvalue(), mimetype="text/csv; charset=utf-8", headers=headers)


def _row(period: Period) -> list[object]:
    counts = [getattr(period.moves, name) for name in COLUMNS]
    rates = [period.list_growth_rate.value, period.churn_rate.value]
    shares = ["" if share is None else round(share, 6) for share in rates]
    return [period.begin.isoformat(), period.start, *counts, period.moves.lost, period.end, *shares]


def _changes(found: Statistics) -> dict[str, object]:
    """Return the chart of gains and losses."""
    lines = (
        (_("Gained"), [period.moves.gained for period in found.periods]),
        (_("Withdrawn"), [period.moves.withdrawn for period in found.periods]),
        (_("Expired"), [period.moves.expired for period in found.periods]),
        (
            _("Other losses"),
            [period.moves.objected + period.moves.complained + period.moves.purged for period in found.periods],
        ),
    )
    return _chart("bar", found, lines)


def _standing(found: Statistics) -> dict[str, object]:
    return _chart("line", found, ((_("Standing at the end"), [period.end for period in found.periods]),))


def _chart(kind: str, found: Statistics, lines: tuple[tuple[str, list[int]], ...]) -> dict[str, object]:
    series = [{"name": name, "data": data} for name, data in lines]
    return {"kind": kind, "x": [period.begin.isoformat() for period in found.periods], "series": series, "unit": ""}


def _parts(found: Statistics) -> list[tuple[str, list[tuple[str, Period]]]]:
    """Return the splits with the words that people read."""
    titles = {
        queries.Part.LEVEL: (_("By level"), LEVEL_NAMES, ""),
        queries.Part.BASIS: (_("By basis"), BASIS_NAMES, ""),
        queries.Part.FORM: (_("By form"), {}, _("no form: an import, staff, a mail")),
    }
    made = []
    for part, split in found.parts.items():
        title, names, other = titles[part]
        made.append((title, [(str(names.get(key, key or other)), period) for key, period in split.items()]))
    return made


def _language() -> str:
    chosen = get_locale()
    return str(chosen.language) if chosen else "en"


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
