"""The first-run page: makes the administrator, the controller and the first brand. It exists only while there is no
staff."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import queries as accounts
from app.accounts.forms import attach
from app.accounts.policy import Role
from app.accounts.services import staff
from app.accounts.views import guard
from app.brands.forms import FirstRunForm
from app.brands.services import set_up
from app.core import jobs
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput

blueprint = Blueprint("welcome", __name__, url_prefix="/welcome")
_LOCK = 0x706A << 44


@blueprint.get("")
@guard.public
def form() -> ResponseReturnValue:
    """Show the form, while there is nobody."""
    if _someone():
        return redirect(url_for("sign_in.form"))
    return render_template("web/brands/welcome.html", form=FirstRunForm())


@blueprint.post("")
@guard.public
def create() -> ResponseReturnValue:
    """Create all of it, or nothing."""
    filled = FirstRunForm()
    if not filled.validate():
        return render_template("web/brands/welcome.html", form=filled), 422
    try:
        found = _create(filled)
    except InvalidInput as error:
        attach(filled, error)
        return render_template("web/brands/welcome.html", form=filled), 422
    guard.begin(*found)
    return redirect("/")


def _create(filled: FirstRunForm) -> tuple[int, int]:
    # Two people who send the form at once must not both become administrator.
    with jobs.lock(_LOCK) as held, unit_of_work() as session:
        if held is None or accounts.anyone(session):
            raise Conflict(_("Somebody has just set this up. Sign in, or ask them for an account."))
        staff_id = staff.create(
            session, filled.email.data, filled.name.data, filled.password.data, Role.ADMINISTRATOR, filled.language.data
        )
        set_up.set_controller(
            session,
            legal_name=filled.legal_name.data,
            postal_address=filled.postal_address.data,
            contact_email=filled.contact_email.data,
        )
        details = set_up.BrandDetails(
            name=filled.brand.data,
            postal_address=filled.postal_address.data,
            language=filled.language.data,
            time_zone=filled.time_zone.data,
        )
        brand_id = set_up.create_brand(session, details)
        set_up.create_sender(session, brand_id, name=filled.brand.data, email=filled.sender_email.data)
        set_up.ensure_relay(session)
        return staff_id, 0


def _someone() -> bool:
    with unit_of_work() as session:
        return accounts.anyone(session)
