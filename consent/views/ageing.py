"""Ageing: each upkeep with its timetable, its dry run, its switch and its runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import several
from consent.queries import upkeep as queries
from consent.queries.upkeep import RunInfo
from consent.services.ageing import Unit, Upkeep, running, upkeeps
from consent.services.preferences import masked

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("ageing", __name__, url_prefix="/ageing")
SHOWN = 50


@dataclass(frozen=True)
class Line:
    """One upkeep as the pages show it."""

    upkeep: Upkeep
    on: bool
    months: int
    latest: RunInfo | None
    next_at: datetime | None


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """Show every upkeep. How many each would touch is asked for by the page itself: counting may take a second."""
    with unit_of_work() as session:
        lines = [_line(session, upkeep) for upkeep in upkeeps]
    return render_template("web/consent/ageing.html", lines=lines)


@blueprint.get("/<name>/count")
@allows(Role.ANALYST)
def count(name: str) -> ResponseReturnValue:
    """Return how many it would touch now (htmx)."""
    upkeep = running.find(name)
    with unit_of_work() as session:
        months = running.by_month(session, upkeep)
        by_month = upkeep.unit is Unit.EVENT_HOUR
        due = running.due(session, upkeep)
        found = sum(month.events for month in months) if by_month else queries.count(session, due)
    return render_template("web/consent/_ageing_count.html", upkeep=upkeep, count=found)


@blueprint.get("/<name>")
@allows(Role.ANALYST)
@shows_people(Look.LISTED)
def page(name: str) -> ResponseReturnValue:
    """Show the dry run of one upkeep: how many, and who."""
    upkeep = running.find(name)
    after = request.args.get("after", 0, type=int)
    with unit_of_work() as session:
        due = running.due(session, upkeep)
        by_month = upkeep.unit is Unit.EVENT_HOUR
        ids = [] if by_month else queries.some(session, due, after=after, limit=SHOWN + 1)
        saw(ids[:SHOWN] if upkeep.unit is Unit.CONTACT else (), people=len(ids[:SHOWN]))
        context = {
            "line": _line(session, upkeep),
            "count": queries.count(session, due),
            "months": running.by_month(session, upkeep),
            "people": _people(session, upkeep, ids[:SHOWN]),
            "runs": queries.runs(session, name),
            "older": url_for(".page", name=name, after=ids[SHOWN - 1]) if len(ids) > SHOWN else "",
        }
    return render_template("web/consent/ageing_one.html", limits=(upkeep.least, running.MAX_MONTHS), **context)


@blueprint.get("/<name>/progress")
@allows(Role.ANALYST)
def progress(name: str) -> ResponseReturnValue:
    """Return the moving part of the page (htmx)."""
    upkeep = running.find(name)
    with unit_of_work() as session:
        runs = queries.runs(session, name)
    return render_template("web/consent/_ageing_runs.html", upkeep=upkeep, runs=runs)


@blueprint.post("/<name>/switch")
@allows(Role.ADMINISTRATOR)
def switch(name: str) -> ResponseReturnValue:
    """Switch it on, having seen the dry run, or off."""
    on = request.form.get("on") == "1"
    with unit_of_work() as session:
        running.switch(session, running.find(name), on, seen_months=request.form.get("seen", 0, type=int))
    flash(_("It is on. The first run begins within five minutes.") if on else _("It is off."), "success")
    return redirect(url_for(".page", name=name))


@blueprint.post("/<name>/months")
@allows(Role.ADMINISTRATOR)
def months(name: str) -> ResponseReturnValue:
    """Choose the period."""
    try:
        with unit_of_work() as session:
            running.set_months(session, running.find(name), request.form.get("months", 0, type=int))
        flash(_("The period is set. Look at the dry run before you switch it on."), "success")
    except InvalidInput as error:
        flash(str(error), "danger")
    return redirect(url_for(".page", name=name))


@blueprint.post("/<name>/run")
@allows(Role.ADMINISTRATOR)
def run(name: str) -> ResponseReturnValue:
    """Run it now."""
    with unit_of_work() as session:
        running.start(session, running.find(name))
    return redirect(url_for(".page", name=name))


@blueprint.post("/<name>/runs/<int:run_id>/stop")
@allows(Role.ADMINISTRATOR)
def stop(name: str, run_id: int) -> ResponseReturnValue:
    """Ask a run to stop."""
    with unit_of_work() as session:
        running.stop(session, run_id)
    return redirect(url_for(".page", name=name))


def _line(session: Session, upkeep: Upkeep) -> Line:
    on = running.is_on(session, upkeep)
    looked = queries.looked_at(session, upkeep.name)
    latest = next(iter(queries.runs(session, upkeep.name, 1)), None)
    upcoming = running.next_at(upkeep, looked) if on else None
    return Line(upkeep, on, running.months_of(session, upkeep), latest, upcoming)


def _people(session: Session, upkeep: Upkeep, ids: list[int]) -> list[tuple[int, str]]:
    """Return ids with masked addresses: whoever may see a contact follows the link."""
    if upkeep.unit is Unit.SIGN_UP:
        found = queries.addresses_of_sign_ups(session, ids)
        return [(each, masked(found.get(each))) for each in ids]
    return [(person.id, masked(person.email)) for person in several(session, ids)]
