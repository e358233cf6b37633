"""What became of a form, by day and by source."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.views.guard import allows
from app.brands.queries import brands
from app.core import clock
from app.core.db import unit_of_work
from consent.queries import form_figures, forms
from consent.queries.form_figures import Figures
from consent.services.figures import day_of
from consent.views.forms import blueprint

DAYS = 30


@blueprint.get("/<int:form_id>/figures")
@allows(Role.ANALYST)
def figures(form_id: int) -> ResponseReturnValue:
    """Show the last 30 days."""
    today = day_of(clock.now())
    since = today - timedelta(days=DAYS - 1)
    with unit_of_work() as session:
        known = forms.form(session, form_id)
        brand = brands.brand(session, known.brand_id)
        days = form_figures.by_day(session, form_id, since, today)
        sources = form_figures.by_source(session, form_id, since)
    return render_template(
        "web/consent/form_figures.html",
        known=known,
        brand=brand,
        total=_sum([counts for _day, counts in days]),
        sources=sources,
        days=DAYS,
        chart={
            "kind": "line",
            "x": [day.isoformat() for day, _counts in days],
            "series": [
                {"name": str(name), "data": [getattr(counts, field) for _day, counts in days]}
                for field, name in (("seen", _("Seen")), ("submitted", _("Sent in")), ("confirmed", _("Confirmed")))
            ],
        },
    )


def _sum(rows: list[Figures]) -> Figures:
    return Figures(sum(r.seen for r in rows), sum(r.submitted for r in rows), sum(r.confirmed for r in rows))
