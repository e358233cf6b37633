"""Settings: the controller and its brands."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.forms import attach
from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.brands.forms import BrandForm, ControllerForm
from app.brands.queries import brands as queries
from app.brands.queries.brands import BrandInfo
from app.brands.queries.profiles import profiles
from app.brands.services import set_up
from app.core.db import unit_of_work
from app.core.errors import InvalidInput

blueprint = Blueprint("brands", __name__, url_prefix="/settings/brands")
controller = Blueprint("controller", __name__, url_prefix="/settings/controller")


@blueprint.get("")
@allows(Role.ADMINISTRATOR)
def index() -> ResponseReturnValue:
    """Show all brands."""
    with unit_of_work() as session:
        brands = queries.all_brands(session)
    return render_template("web/brands/index.html", brands=brands, explained=profiles)


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
def create() -> ResponseReturnValue:
    """Create a brand."""
    form = BrandForm()
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                brand_id = set_up.create_brand(session, form.details())
                audit.record(session, "created", "brand", brand_id, brand_id=brand_id)
        except InvalidInput as error:
            attach(form, error)
        else:
            flash(_("The brand is there. Give it a sender next."), "success")
            return redirect(url_for("senders.index"))
    return _page(form, None)


@blueprint.route("/<int:brand_id>", methods=["GET", "POST"])
@allows(Role.ADMINISTRATOR)
def edit(brand_id: int) -> ResponseReturnValue:
    """Change a brand."""
    with unit_of_work() as session:
        brand = queries.brand(session, brand_id)
    form = BrandForm.of(brand)
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                set_up.update_brand(session, brand_id, form.details())
                audit.record(session, "changed", "brand", brand_id, brand_id=brand_id)
        except InvalidInput as error:
            attach(form, error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".index"))
    return _page(form, brand)


def _page(form: BrandForm, brand: BrandInfo | None) -> ResponseReturnValue:
    page = render_template("web/brands/form.html", form=form, brand=brand, explained=profiles)
    return page, 422 if form.errors else 200


@controller.get("")
@allows(Role.ADMINISTRATOR)
def form() -> ResponseReturnValue:
    """Show the controller."""
    with unit_of_work() as session:
        known = queries.controller(session)
    return render_template("web/brands/controller.html", form=ControllerForm(obj=known))


@controller.post("")
@allows(Role.ADMINISTRATOR)
def save() -> ResponseReturnValue:
    """Change the controller."""
    filled = ControllerForm()
    if filled.validate():
        try:
            with unit_of_work() as session:
                set_up.set_controller(
                    session,
                    legal_name=filled.legal_name.data,
                    registration=filled.registration.data or "",
                    postal_address=filled.postal_address.data,
                    contact_email=filled.contact_email.data,
                    privacy_url=filled.privacy_url.data or "",
                )
                audit.record(session, "changed", "controller")
        except InvalidInput as error:
            attach(filled, error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for(".form"))
    return render_template("web/brands/controller.html", form=filled), 422
