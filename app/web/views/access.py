"""The access log: which personal data staff looked at. For administrators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import queries
from app.accounts.policy import Role
from app.accounts.queries import AccessFilter, AccessLine
from app.accounts.views.guard import allows
from app.core import clock, config
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.policy import normalise
from app.customers.queries.contacts import by_address
from app.customers.services.exporting import guard_formula
from app.web.looks import LOOK_NAMES, SUBJECT_NAMES

blueprint = Blueprint("access", __name__, url_prefix="/settings/access")
PAGE = 50


@blueprint.get("")
@allows(Role.ADMINISTRATOR)
def index() -> ResponseReturnValue:
    """Show who looked at whom, narrowed by colleague and contact."""
    chosen, problem = _chosen()
    with unit_of_work() as session:
        behind = request.args.get("before", type=int)
        lines = [] if problem else queries.access(session, chosen, before=behind, limit=PAGE + 1)
        staff = queries.staff(session)
    before = lines[PAGE - 1].id if len(lines) > PAGE else None
    return render_template(
        "web/access/index.html",
        lines=lines[:PAGE],
        staff=staff,
        chosen=chosen,
        problem=problem,
        typed=request.args.get("contact", ""),
        looks=LOOK_NAMES,
        subjects=SUBJECT_NAMES,
        days=config.current().access_log_days,
        older=url_for(".index", staff=chosen.staff_id, contact=chosen.contact_id, before=before) if before else "",
        csv_url=url_for(".export", staff=chosen.staff_id, contact=chosen.contact_id),
    )


@blueprint.get("/access.csv")
@allows(Role.ADMINISTRATOR)
def export() -> ResponseReturnValue:
    """Download what the page shows, to its end."""
    chosen, problem = _chosen()
    if problem:
        raise InvalidInput(problem)
    name = f"access-{clock.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_csv(chosen), mimetype="text/csv; charset=utf-8", headers=headers)


def _chosen() -> tuple[AccessFilter, str]:
    """Return the filter that was asked for, or what is wrong with it. A contact is named by number or by address."""
    typed, contact_id, problem = request.args.get("contact", "").strip(), None, ""
    if typed.isdecimal() and len(typed) < 19:
        contact_id = int(typed)
    elif typed:
        try:
            with unit_of_work() as session:
                found = by_address(session, normalise(typed).email_key)
        except InvalidInput as error:
            problem = str(error)
        else:
            contact_id = found.id if found else None
            problem = "" if found else _("Nobody in the customer base has this address.")
    return AccessFilter(request.args.get("staff", type=int), contact_id), problem


def _csv(chosen: AccessFilter) -> Iterator[str]:
    """The lines as CSV, a thousand at a time, each in its own short transaction."""
    yield _row(["at", "who", "look", "page", "subject", "subject_id", "contacts", "people", "ip"])
    before = None
    while True:
        with unit_of_work() as session:
            lines = queries.access(session, chosen, before=before, limit=1000)
        yield "".join(_row(_cells(line)) for line in lines)
        if len(lines) < 1000:
            return
        before = lines[-1].id


def _cells(line: AccessLine) -> list[str]:
    contacts = " ".join(str(contact_id) for contact_id in line.contact_ids)
    people = "" if line.people is None else str(line.people)
    subject_id = "" if line.subject_id is None else str(line.subject_id)
    return [line.at.isoformat(), line.who, line.look, line.page, line.subject, subject_id, contacts, people, line.ip]


def _row(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([guard_formula(cell) for cell in cells])
    return out.getvalue()
