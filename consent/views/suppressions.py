"""Suppressions: who is not written to, whatever the ledger says."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.policy import normalise
from consent.forms.names import REASON_NAMES
from consent.forms.suppressions import SuppressForm
from consent.queries import suppressions
from consent.queries.suppressions import SuppressionInfo
from consent.services import suppress

blueprint = Blueprint("suppressions", __name__, url_prefix="/suppressions")
SIZE = 50


@blueprint.get("")
@allows(Role.ANALYST)
@shows_people(Look.LISTED)
def index() -> ResponseReturnValue:
    """List suppressions, or what stands against one exact address."""
    return _page(SuppressForm(formdata=None))


@blueprint.post("")
@allows(Role.MARKETER)
def add() -> ResponseReturnValue:
    """Suppress an address, a domain or a pattern."""
    form = SuppressForm()
    if not form.validate():
        return _page(form), 422
    try:
        with unit_of_work() as session:
            if form.kind.data == "address":
                key = normalise(form.value.data).email_key
                made = suppress.suppress_address(session, email_key=key, reason="manual", source=form.source.data)
            else:
                made = suppress.suppress_rule(session, form.kind.data, form.value.data, source=form.source.data)
            audit.record(session, "suppressed", "suppression", made)
    except InvalidInput as error:
        form.value.errors = [*form.value.errors, str(error)]
        return _page(form), 422
    flash(_("Suppressed. It holds from now on, in running campaigns too."), "success")
    return redirect(url_for(".index"))


@blueprint.post("/<int:suppression_id>/lift")
@allows(Role.MARKETER)
def lift(suppression_id: int) -> ResponseReturnValue:
    """Lift a suppression, saying why."""
    with unit_of_work() as session:
        suppress.lift(session, suppression_id, request.form.get("why", ""))
        audit.record(session, "lifted", "suppression", suppression_id)
    flash(_("Lifted."), "success")
    return redirect(url_for(".index"))


def _page(form: SuppressForm) -> str:
    number = max(1, request.args.get("page", 1, type=int))
    query, problem = request.args.get("q", "").strip(), ""
    rows: list[SuppressionInfo] = []
    with unit_of_work() as session:
        if query:
            try:
                rows = suppressions.of_address(session, normalise(query).address_key)
                saw(people=1)
            except InvalidInput as error:
                problem = str(error)
        else:
            rows = suppressions.page_of(session, page=number, size=SIZE, reason=request.args.get("reason", ""))
        counts = suppressions.count_by_reason(session)
    return render_template(
        "web/consent/suppressions.html",
        form=form,
        rows=rows[:SIZE],
        more=len(rows) > SIZE and not query,
        number=number,
        query=query,
        problem=problem,
        counts=counts,
        reasons=REASON_NAMES,
        reason=request.args.get("reason", ""),
    )
