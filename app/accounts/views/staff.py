"""Colleagues and their roles, and the audit trail: for administrators."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import queries
from app.accounts.forms import ROLE_TEXTS, ROLES, InviteForm
from app.accounts.policy import Role
from app.accounts.services import staff as service
from app.accounts.views.guard import allows, current_user
from app.core import links
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput, NotFound

blueprint = Blueprint("staff", __name__, url_prefix="/settings")


@blueprint.get("/staff")
@allows(Role.ADMINISTRATOR)
def index() -> ResponseReturnValue:
    """Show all accounts."""
    return _page(InviteForm(formdata=None, language=current_user().language))


@blueprint.post("/staff")
@allows(Role.ADMINISTRATOR)
def invite() -> ResponseReturnValue:
    """Create an account and show the link by which its owner chooses a password."""
    filled = InviteForm()
    if not filled.validate():
        return _page(filled), 422
    try:
        with unit_of_work() as session:
            staff_id = service.invite(
                session, filled.email.data, filled.name.data, filled.role.data, filled.language.data
            )
    except (Conflict, InvalidInput) as error:
        filled.email.errors = [*filled.email.errors, str(error)]
        return _page(filled), error.status
    return _show_link(staff_id)


@blueprint.post("/staff/<int:staff_id>/role")
@allows(Role.ADMINISTRATOR)
def change_role(staff_id: int) -> ResponseReturnValue:
    """Give another role."""
    role = request.form.get("role", "")
    if role not in list(Role):
        raise InvalidInput(_("There is no role called %(role)s.", role=role))
    with unit_of_work() as session:
        service.change_role(session, staff_id, role)
    flash(_("The role is changed."), "success")
    return redirect(url_for(".index"))


@blueprint.post("/staff/<int:staff_id>/active")
@allows(Role.ADMINISTRATOR)
def set_active(staff_id: int) -> ResponseReturnValue:
    """Close an account or open it again."""
    with unit_of_work() as session:
        if request.form.get("active") == "1":
            service.activate(session, staff_id)
        else:
            service.deactivate(session, staff_id)
    return redirect(url_for(".index"))


@blueprint.post("/staff/<int:staff_id>/link")
@allows(Role.ADMINISTRATOR)
def password_link(staff_id: int) -> ResponseReturnValue:
    """Show a new link by which a colleague chooses a password."""
    return _show_link(staff_id)


@blueprint.get("/audit")
@allows(Role.ADMINISTRATOR)
def audit() -> ResponseReturnValue:
    """Show who did what."""
    with unit_of_work() as session:
        lines = queries.audit(session, before=request.args.get("before", type=int), limit=51)
    return render_template("web/accounts/audit.html", lines=lines[:50], more=len(lines) > 50)


def _page(form: InviteForm) -> str:
    with unit_of_work() as session:
        staff = queries.staff(session)
    return render_template("web/accounts/staff.html", staff=staff, form=form, roles=ROLES, role_texts=ROLE_TEXTS)


def _show_link(staff_id: int) -> ResponseReturnValue:
    with unit_of_work() as session:
        member = queries.staff_member(session, staff_id)
        if member is None:
            raise NotFound(_("This account does not exist."))
        token = service.password_link_token(session, staff_id)
    url = links.public(url_for("sign_in.set_password", token=token))
    return render_template("web/accounts/link.html", member=member, url=url)
