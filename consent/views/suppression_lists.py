"""Lists of suppressed addresses that other systems hand over: given as a file, read by a job, watched here."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, current_user
from app.accounts.views.reading import saw, shows_people
from app.brands.queries import brands
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.core.jobs import enqueue
from app.customers.services.importing import forgetting
from app.customers.views.contacts import language
from app.customers.views.uploads import kept
from consent.forms.names import REASON_NAMES
from consent.forms.suppressions import ListForm, complain
from consent.queries import exchange, topics
from consent.queries import lists as queries
from consent.services import lists
from consent.tasks.lists import read_list

blueprint = Blueprint("suppression_lists", __name__, url_prefix="/suppressions/lists")
SHOWN_REJECTS = 20


@blueprint.get("")
@allows(Role.MARKETER)
def index() -> ResponseReturnValue:
    """Show the lists that were taken in, and take another."""
    return _index(ListForm(formdata=None))


def _index(form: ListForm) -> str:
    with unit_of_work() as session:
        found = queries.latest(session)
        form.offer(brands.all_brands(session), topics.topics(session), language())
    return render_template("web/consent/suppression_lists.html", lists=found, form=form, reasons=REASON_NAMES)


@blueprint.post("")
@allows(Role.MARKETER)
def upload() -> ResponseReturnValue:
    """Keep the file, look how it is written, and have a job read it."""
    form = ListForm()
    with unit_of_work() as session:
        form.offer(brands.all_brands(session), topics.topics(session), language())
    if not form.validate():
        return _index(form), 422
    name = form.file.data.filename or ""
    path = kept(form.file.data, "list")
    try:
        with unit_of_work() as session:
            terms = form.terms(form.reason.data, current_user().id)
            list_id = lists.create(session, path, name, terms, forgetting.folder(), language=language())
            enqueue(session, read_list, list_id)
            audit.record(session, "imported", "suppression list", list_id)
            converted = queries.one(session, list_id).path != str(path)
        if converted:
            path.unlink()
    except InvalidInput as error:
        path.unlink(missing_ok=True)
        complain(form, error.field, str(error), "file")
        return _index(form), 422
    return redirect(url_for(".page", list_id=list_id))


@blueprint.get("/<int:list_id>")
@allows(Role.MARKETER)
@shows_people(Look.OPENED)
def page(list_id: int) -> ResponseReturnValue:
    """Show how far a list is read, and what was refused."""
    return _shown(list_id, "web/consent/suppression_list.html")


@blueprint.get("/<int:list_id>/progress")
@allows(Role.MARKETER)
@shows_people(Look.OPENED)
def progress(list_id: int) -> ResponseReturnValue:
    """The moving part of the page (htmx)."""
    return _shown(list_id, "web/consent/_suppression_list.html")


def _shown(list_id: int, template: str) -> str:
    with unit_of_work() as session:
        found = queries.one(session, list_id)
        refused = queries.rejects(session, list_id, SHOWN_REJECTS)
    if refused:
        saw(people=len(refused), subject="suppression list", subject_id=list_id)
    return render_template(template, found=found, rejects=refused, reasons=REASON_NAMES)


@blueprint.post("/<int:list_id>/resume")
@allows(Role.MARKETER)
def resume(list_id: int) -> ResponseReturnValue:
    """Go on with a list that could not be read on."""
    with unit_of_work() as session:
        if queries.one(session, list_id).status == "failed":
            enqueue(session, read_list, list_id)
            audit.record(session, "resume", "suppression list", list_id)
    return redirect(url_for(".page", list_id=list_id))


@blueprint.get("/<int:list_id>/rejects.csv")
@allows(Role.MARKETER)
@shows_people(Look.EXPORTED)
def rejects(list_id: int) -> ResponseReturnValue:
    """Download the refused lines with the reason of each."""
    with unit_of_work() as session:
        found = queries.one(session, list_id)
    saw(people=found.rejected, subject="suppression list", subject_id=list_id)
    headers = {"Content-Disposition": f'attachment; filename="refused-{list_id}.csv"'}
    lines = exchange.csv_lines((_("line"), _("reason"), _("text")), _refused(list_id))
    return Response("".join(lines), mimetype="text/csv; charset=utf-8", headers=headers)


def _refused(list_id: int) -> Iterator[exchange.Row]:
    behind = 0
    while True:
        with unit_of_work() as session:
            found = queries.rejects(session, list_id, 1000, behind=behind)
        for each in found:
            yield {_("line"): str(each.line), _("reason"): each.reason, _("text"): each.text}
        if len(found) < 1000:
            return
        behind = found[-1].line
