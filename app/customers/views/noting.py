"""What staff note on the page of a contact: notes, and what other systems call the person."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.policy import Role
from app.accounts.views.guard import allows
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput
from app.customers.services import external, notes

blueprint = Blueprint("noting", __name__, url_prefix="/contacts")


@blueprint.post("/<int:contact_id>/notes")
@allows(Role.MARKETER)
def add_note(contact_id: int) -> ResponseReturnValue:
    """Write a note."""
    with unit_of_work() as session:
        notes.add(session, contact_id, request.form.get("text", ""))
    return redirect(url_for("contacts.page", contact_id=contact_id) + "#notes")


@blueprint.post("/notes/<int:note_id>/delete")
@allows(Role.MARKETER)
def delete_note(note_id: int) -> ResponseReturnValue:
    """Delete a note."""
    with unit_of_work() as session:
        contact_id = notes.delete(session, note_id)
    return redirect(url_for("contacts.page", contact_id=contact_id) + "#notes")


@blueprint.post("/<int:contact_id>/external")
@allows(Role.MARKETER)
def add_external(contact_id: int) -> ResponseReturnValue:
    """Say what another system calls a contact."""
    try:
        with unit_of_work() as session:
            external.add(session, contact_id, request.form.get("source", ""), request.form.get("value", ""))
    except (InvalidInput, Conflict) as problem:
        flash(str(problem), "danger")
    return redirect(url_for("contacts.page", contact_id=contact_id) + "#systems")


@blueprint.post("/external/remove")
@allows(Role.MARKETER)
def remove_external() -> ResponseReturnValue:
    """Forget what another system calls a contact."""
    with unit_of_work() as session:
        contact_id = external.remove(session, request.form.get("source", ""), request.form.get("value", ""))
    return redirect(url_for("contacts.page", contact_id=contact_id) + "#systems")
