"""The field dictionary."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput
from app.customers.forms import KINDS, EditFieldForm, FieldForm
from app.customers.queries import field_figures
from app.customers.queries import fields as queries
from app.customers.services import fields

blueprint = Blueprint("fields", __name__, url_prefix="/contacts/fields")


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """List the declared fields."""
    return _page(FieldForm(formdata=None))


@blueprint.post("")
@allows(Role.MARKETER)
def declare() -> ResponseReturnValue:
    """Declare a field."""
    form = FieldForm()
    if not form.validate():
        return _page(form), 422
    try:
        with unit_of_work() as session:
            fields.declare_as(session, form.name.data.strip(), form.kind.data, form.terms)
            audit.record(session, "declare", "field", detail={"name": form.name.data})
    except (Conflict, InvalidInput) as error:
        target = getattr(form, getattr(error, "field", None) or "name")
        target.errors = [*target.errors, str(error)]
        return _page(form), error.status
    flash(_("The field is declared."), "success")
    return redirect(url_for(".index"))


@blueprint.route("/<name>", methods=["GET", "POST"])
@allows(Role.MARKETER)
def edit(name: str) -> ResponseReturnValue:
    """Change a field's labels, meaning, choices and rights."""
    with unit_of_work() as session:
        field = queries.by_name(session, name)
    present = {
        "label_en": field.labels.get("en", ""),
        "label_fr": field.labels.get("fr", ""),
        "description": field.description,
        "choices": "\n".join(field.choices),
        "personal": field.personal,
        "subscriber_may_see": field.subscriber_may_see,
        "subscriber_may_edit": field.subscriber_may_edit,
        "staff_may_edit": field.staff_may_edit,
        "origin": field.origin,
        "keep_days": field.keep_days,
        "titles": "\n".join(field.titles),
    }
    form = EditFieldForm(data=present)
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                fields.change(session, name, form.terms)
                audit.record(session, "edit", "field", field.id, detail={"name": name})
            return redirect(url_for(".index"))
        except InvalidInput as error:
            wrong = getattr(form, error.field or "choices")
            wrong.errors = [*wrong.errors, str(error)]
    with unit_of_work() as session:
        figures = field_figures.of_field(session, name, field.kind)
    page = render_template("web/customers/field.html", form=form, field=field, kinds=KINDS, figures=figures)
    return page, 422 if form.errors else 200


def _page(form: FieldForm) -> str:
    with unit_of_work() as session:
        declared = queries.dictionary(session)
        shares, exact = field_figures.shares(session)
    return render_template(
        "web/customers/fields.html", fields=declared, form=form, kinds=KINDS, shares=shares, exact=exact
    )
