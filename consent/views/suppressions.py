"""Suppressions: who is not written to, whatever the ledger says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import queries as accounts
from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, current_user
from app.accounts.views.reading import saw, shows_people
from app.brands.queries import brands
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.policy import normalise
from app.customers.views.contacts import language
from consent.forms.names import REASON_NAMES
from consent.forms.suppressions import SuppressForm, complain
from consent.queries import exchange, suppressions, topics
from consent.queries.exchange import Row
from consent.queries.suppressions import SuppressionInfo, Wanted
from consent.services import suppress

blueprint = Blueprint("suppressions", __name__, url_prefix="/suppressions")
SIZE = 50
LOOKED_BACK = timedelta(days=30)


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """List suppressions, or what stands against one exact address."""
    return _page(SuppressForm(formdata=None))


@blueprint.post("")
@allows(Role.MARKETER)
def add() -> ResponseReturnValue:
    """Suppress an address, a domain or a pattern."""
    form = SuppressForm()
    with unit_of_work() as session:
        form.offer(brands.all_brands(session), topics.topics(session), language())
    if not form.validate():
        return _page(form), 422
    try:
        with unit_of_work() as session:
            terms = form.terms("manual", current_user().id)
            made = suppress.by_hand(session, form.kind.data, form.value.data, terms)
            audit.record(session, "suppressed", "suppression", made)
    except InvalidInput as error:
        complain(form, error.field, str(error), "value")
        return _page(form), 422
    flash(_("Suppressed. It holds from now on, in running campaigns too."), "success")
    return redirect(url_for(".index"))


@blueprint.post("/<int:suppression_id>/lift")
@allows(Role.MARKETER)
def lift(suppression_id: int) -> ResponseReturnValue:
    """Lift a suppression, saying why."""
    with unit_of_work() as session:
        suppress.lift(session, suppression_id, request.form.get("why", ""), lifted_by=current_user().id)
        audit.record(session, "lifted", "suppression", suppression_id)
    flash(_("Lifted."), "success")
    return redirect(url_for(".index"))


@blueprint.get("/export.csv")
@allows(Role.MARKETER)
@shows_people(Look.EXPORTED)
def export() -> ResponseReturnValue:
    """Download suppressed addresses by digest, for other systems that must honour them."""
    with unit_of_work() as session:
        lines = list(exchange.csv_lines(exchange.SUPPRESSED, exchange.suppressed(session)))
    saw(people=len(lines) - 1, subject="suppressions")
    return _download(iter(lines), "suppressed.csv")


@blueprint.get("/withdrawals.csv")
@allows(Role.MARKETER)
@shows_people(Look.EXPORTED)
def withdrawals() -> ResponseReturnValue:
    """Download what people withdrew since a day, for those whom their data was passed to."""
    try:
        since = datetime.combine(date.fromisoformat(request.args.get("since") or _lately()), time.min, UTC)
    except ValueError:
        raise InvalidInput(_("Say since which day, like 2026-03-31."), field="since") from None
    with unit_of_work() as session:
        rows: Iterator[Row] = exchange.withdrawn(session, since, clear=request.args.get("clear") == "yes")
        lines = list(exchange.csv_lines(exchange.WITHDRAWN, rows))
    saw(people=len(lines) - 1, subject="withdrawals")
    return _download(iter(lines), f"withdrawals-since-{since:%Y-%m-%d}.csv")


def _lately() -> str:
    return (clock.now() - LOOKED_BACK).date().isoformat()


def _download(lines: Iterator[str], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, mimetype="text/csv; charset=utf-8", headers=headers)


def _page(form: SuppressForm) -> str:
    number = max(1, request.args.get("page", 1, type=int))
    query, problem = request.args.get("q", "").strip(), ""
    wanted = Wanted(request.args.get("reason", ""), request.args.get("scope", ""), request.args.get("kind", ""))
    rows: list[SuppressionInfo] = []
    with unit_of_work() as session:
        if query:
            try:
                rows = suppressions.against(session, normalise(query))
            except InvalidInput as error:
                problem = str(error)
        else:
            rows = suppressions.page_of(session, wanted, page=number, size=SIZE)
        counts = suppressions.count_by_reason(session)
        offered = brands.all_brands(session), topics.topics(session, archived=True)
        form.offer(offered[0], topics.topics(session), language())
        staff = {member.id: member.name for member in accounts.staff(session)}
    return render_template(
        "web/consent/suppressions.html",
        form=form,
        rows=rows[:SIZE] if not query else rows,
        more=len(rows) > SIZE and not query,
        number=number,
        query=query,
        problem=problem,
        counts=counts,
        reasons=REASON_NAMES,
        wanted=wanted,
        brands={brand.id: brand.name for brand in offered[0]},
        topics={topic.id: topic.name(language()) for topic in offered[1]},
        staff=staff,
        since=_lately(),
    )
