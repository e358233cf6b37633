"""The register of processing: shown, completed, downloaded and printed."""

from __future__ import annotations

import csv
import io
import json

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.core import clock
from app.core.db import unit_of_work
from app.customers.services.exporting import guard_formula
from consent.forms.register import GROUND_NAMES, RegisterForm
from consent.policy.register import Register, Text, missing
from consent.queries import register as queries
from consent.services.register import set_texts

blueprint = Blueprint("register", __name__, url_prefix="/settings/register")


@blueprint.get("")
@allows(Role.ADMINISTRATOR)
def index() -> ResponseReturnValue:
    """Show the register, what is missing in it, and the texts that can be added."""
    with unit_of_work() as session:
        said = queries.texts(session)
    return _page(RegisterForm(data={key.value: text for key, text in said.items()}))


@blueprint.post("")
@allows(Role.ADMINISTRATOR)
def save() -> ResponseReturnValue:
    """Keep the added texts."""
    form = RegisterForm()
    if not form.validate():
        return _page(form), 422
    with unit_of_work() as session:
        set_texts(session, {key: form[key.value].data or "" for key in Text})
        audit.record(session, "changed", "register of processing")
    flash(_("Saved."), "success")
    return redirect(url_for(".index"))


@blueprint.get("/register.html")
@allows(Role.ADMINISTRATOR)
def printed() -> ResponseReturnValue:
    """Show the register alone, to be printed."""
    return render_template("web/register/print.html", register=_register(), grounds=GROUND_NAMES)


@blueprint.get("/register.json")
@allows(Role.ADMINISTRATOR)
def as_json() -> ResponseReturnValue:
    """Download the register as JSON."""
    text = json.dumps(_register().to_json(), ensure_ascii=False, indent=2) + "\n"
    return _file(text, "json", "application/json")


@blueprint.get("/register.csv")
@allows(Role.ADMINISTRATOR)
def as_csv() -> ResponseReturnValue:
    """Download the register as a table."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["section", "of", "property", "value"])
    for row in _register().rows():
        table.writerow([guard_formula(cell) for cell in row])
    return _file("\ufeff" + out.getvalue(), "csv", "text/csv; charset=utf-8")


def _page(form: RegisterForm) -> str:
    register = _register()
    return render_template(
        "web/register/index.html", form=form, register=register, gaps=missing(register), grounds=GROUND_NAMES
    )


def _register() -> Register:
    with unit_of_work() as session:
        return queries.register(session, str(get_locale() or "en")[:2])


def _file(text: str, kind: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    name = f"register-{clock.now():%Y-%m-%d}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
