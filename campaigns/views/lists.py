"""Lists of people: snapshots of segments and uploads."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from app.accounts.policy import Role
from app.accounts.views.guard import allows, current_user
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, UserError
from campaigns.queries import lists as queries
from campaigns.services import lists as service

blueprint = Blueprint("people_lists", __name__, url_prefix="/segments/lists")


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """Show all lists, and how to upload one."""
    return _page()


@blueprint.post("")
@allows(Role.MARKETER)
def upload() -> ResponseReturnValue:
    """Take in a file of addresses."""
    name, file = request.form.get("name", ""), request.files.get("file")
    try:
        if file is None or not file.filename:
            raise InvalidInput(_("Choose a file with addresses."), field="file")
        with unit_of_work() as session:
            taken = service.upload(session, file.stream.read(service.MAX_BYTES + 1), name, current_user().id)
    except UserError as error:
        return _page(name, str(error)), error.status
    said = ngettext("%(num)d person is on the list.", "%(num)d people are on the list.", taken.people)
    if taken.unknown:
        said += " " + ngettext(
            "%(num)d address belongs to nobody in the base.",
            "%(num)d addresses belong to nobody in the base.",
            taken.unknown,
        )
    flash(said, "success")
    return redirect(url_for(".index"))


@blueprint.post("/snapshot/<int:segment_id>")
@allows(Role.MARKETER)
def snapshot(segment_id: int) -> ResponseReturnValue:
    """Write down who is in a segment now."""
    try:
        with unit_of_work() as session:
            service.snapshot(session, segment_id, request.form.get("name", ""), current_user().id)
    except UserError as error:
        return _page(request.form.get("name", ""), str(error)), error.status
    flash(_("The snapshot is taken."), "success")
    return redirect(url_for(".index"))


@blueprint.post("/<int:list_id>/delete")
@allows(Role.MARKETER)
def delete(list_id: int) -> ResponseReturnValue:
    """Throw a list away."""
    try:
        with unit_of_work() as session:
            service.throw_away(session, list_id)
    except UserError as error:
        return _page("", str(error)), error.status
    flash(_("The list is deleted. The people who were on it stay in the base."), "success")
    return redirect(url_for(".index"))


def _page(name: str = "", problem: str = "") -> str:
    with unit_of_work() as session:
        found = queries.lists(session)
    return render_template("web/segments/lists.html", lists=found, name=name, problem=problem)
