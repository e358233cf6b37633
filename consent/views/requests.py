"""Data subjects' requests: the queue, one request with its timeline, and acts that do the real thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.forms import attach
from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, current_user
from app.accounts.views.reading import saw, shows_people
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, UserError
from app.customers.queries.contacts import by_address_key, several
from consent.forms import requests as words
from consent.forms.requests import RequestForm
from consent.policy.requests import Channel, Extension, Kind, Proof, Refusal, Step
from consent.policy.requests import allows as may
from consent.queries import paper, proof
from consent.queries import requests as queries
from consent.queries.requests import RequestInfo
from consent.services.requests import acting, filing, steps
from consent.services.requests.filing import Asked, Details

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("requests", __name__, url_prefix="/requests")
SIZE = 50
NAMES = {
    "kind": words.KIND_NAMES,
    "channel": words.CHANNEL_NAMES,
    "state": words.REQUEST_STATE_NAMES,
    "step": words.STEP_NAMES,
    "proof": words.PROOF_NAMES,
    "refusal": words.REFUSAL_NAMES,
    "extension": words.EXTENSION_NAMES,
}
E = TypeVar("E", bound=StrEnum)


@blueprint.get("")
@allows(Role.ANALYST)
@shows_people(Look.REQUEST)
def index() -> ResponseReturnValue:
    """List the open requests by due date, or the closed ones."""
    closed, number = request.args.get("closed") == "1", max(1, request.args.get("page", 1, type=int))
    with unit_of_work() as session:
        rows = queries.page_of(session, closed=closed, page=number, size=SIZE)
        figures = queries.figures(session)
        uncovered = paper.to_cover(session)
    saw(people=len(rows[:SIZE]))
    return render_template(
        "web/requests/index.html",
        rows=rows[:SIZE],
        more=len(rows) > SIZE,
        number=number,
        closed=closed,
        figures=figures,
        uncovered=uncovered,
        names=NAMES,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.MARKETER)
def new() -> ResponseReturnValue:
    """File a request that came by mail, phone, letter or in person."""
    form = RequestForm(received_on=clock.now().date(), language=str(get_locale() or "en")[:2])
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                request_id = filing.file(session, _asked(session, form), staff_id=current_user().id)
                audit.record(session, "filed", "privacy request", request_id)
            return redirect(url_for(".page", request_id=request_id))
        except InvalidInput as error:
            attach(form, error)
    return render_template("web/requests/new.html", form=form), 422 if form.errors else 200


def _asked(session: Session, form: RequestForm) -> Asked:
    details = Details(**{field.name: (form[field.name].data or "").strip() for field in fields(Details)})
    # A day is given, and the period counts in days: the present moment, or the end of an earlier day here.
    day, now = form.received_on.data, clock.now()
    late = datetime.combine(day, time(23, 59), queries.zone(session)).astimezone(UTC)
    received = now if day == queries.today(session) else late
    return Asked(Kind(form.kind.data), Channel(form.channel.data), details, form.language.data, received)


@blueprint.get("/<int:request_id>")
@allows(Role.ANALYST)
@shows_people(Look.REQUEST)
def page(request_id: int) -> ResponseReturnValue:
    """Show one request: what was asked, by when, what was done, and what can be done."""
    with unit_of_work() as session:
        asked = queries.request(session, request_id)
        lines = queries.steps(session, request_id)
        known = by_address_key(session, asked.address_key) if asked.address_key else []
        people = {person.id: person for person in several(session, [*known, *_linked(asked)])}
        day = queries.today(session)
    saw(list(people), people=max(1, len(people)), subject="request", subject_id=request_id)
    return render_template(
        "web/requests/page.html",
        asked=asked,
        lines=lines,
        person=people.get(asked.contact_id or 0),
        candidates=[person for person in people.values() if person.erased_at is None],
        may={step.value: may(asked.state, step) for step in Step},
        names=NAMES,
        today=day,
    )


def _linked(asked: RequestInfo) -> list[int]:
    return [asked.contact_id] if asked.contact_id is not None else []


@blueprint.get("/<int:request_id>/record")
@allows(Role.ANALYST)
@shows_people(Look.REQUEST)
def record(request_id: int) -> ResponseReturnValue:
    """Show the record of a request, to be printed."""
    with unit_of_work() as session:
        made = queries.record(session, request_id)
        asked = queries.request(session, request_id)
        lines = queries.steps(session, request_id)
    saw(_linked(asked), people=1, subject="request", subject_id=request_id)
    return render_template("web/requests/record.html", made=made, asked=asked, lines=lines, names=NAMES)


@blueprint.get("/<int:request_id>/record.json")
@allows(Role.ANALYST)
@shows_people(Look.REQUEST)
def download(request_id: int) -> ResponseReturnValue:
    """Download the record of a request."""
    with unit_of_work() as session:
        made = queries.record(session, request_id)
        asked = queries.request(session, request_id)
    saw(_linked(asked), people=1, subject="request", subject_id=request_id)
    return _file(made, f"request-{request_id}.json")


@blueprint.post("/<int:request_id>/identify")
@allows(Role.MARKETER)
def identify(request_id: int) -> ResponseReturnValue:
    """Say whose data it is about."""
    return _act(
        request_id,
        lambda s, who: steps.identify(s, request_id, request.form.get("contact", 0, type=int), staff_id=who),
        _("The contact is noted."),
    )


@blueprint.post("/<int:request_id>/verify")
@allows(Role.MARKETER)
def verify(request_id: int) -> ResponseReturnValue:
    """Record how the identity was established."""
    return _act(
        request_id,
        lambda s, who: steps.verify(s, request_id, _chosen(Proof, "how"), _text("note"), staff_id=who),
        _("The identity is verified. Now do what is asked."),
    )


@blueprint.post("/<int:request_id>/note")
@allows(Role.MARKETER)
def note(request_id: int) -> ResponseReturnValue:
    """Keep a note: called back, asked for more."""
    return _act(
        request_id, lambda s, who: steps.note(s, request_id, _text("note"), staff_id=who), _("The note is kept.")
    )


@blueprint.post("/<int:request_id>/extend")
@allows(Role.MARKETER)
def extend(request_id: int) -> ResponseReturnValue:
    """Take two further months."""
    return _act(
        request_id,
        lambda s, who: steps.extend(
            s, request_id, _chosen(Extension, "why"), _day("told_on"), _text("note"), staff_id=who
        ),
        _("The period is extended."),
    )


@blueprint.post("/<int:request_id>/export")
@allows(Role.MARKETER)
@shows_people(Look.EXPORTED)
def export(request_id: int) -> ResponseReturnValue:
    """Download all that is held of the person, and note it."""
    with unit_of_work() as session:
        contact_id, made = acting.export(session, request_id, staff_id=current_user().id)
    saw([contact_id], subject="request", subject_id=request_id)
    return _file(made, f"export-{contact_id}-{clock.now():%Y-%m-%d}.json")


@blueprint.post("/<int:request_id>/object")
@allows(Role.MARKETER)
def objected(request_id: int) -> ResponseReturnValue:
    """Record the objection."""

    def act(session: Session, who: int) -> None:
        contact_id = acting.record_objection(session, request_id, staff_id=who)
        audit.record(session, "recorded objection", "contact", contact_id, detail={"request": request_id})

    return _act(request_id, act, _("The objection is recorded: no marketing mail, by any brand."))


@blueprint.post("/<int:request_id>/restrict")
@allows(Role.MARKETER)
def restrict(request_id: int) -> ResponseReturnValue:
    """Write to the person no more, and keep their data."""

    def act(session: Session, who: int) -> None:
        contact_id = acting.restrict(session, request_id, staff_id=who)
        audit.record(session, "restricted", "contact", contact_id, detail={"request": request_id})

    return _act(request_id, act, _("The data is kept and not used: no mail goes to this address."))


@blueprint.post("/<int:request_id>/erase")
@allows(Role.ADMINISTRATOR)
def erase(request_id: int) -> ResponseReturnValue:
    """Erase the person, which closes the request."""

    def act(session: Session, who: int) -> None:
        contact_id = acting.carry_out_erasure(session, request_id, _text("outcome"), staff_id=who)
        audit.record(session, "erased", "contact", contact_id, detail={"request": request_id})

    return _act(request_id, act, _("This person's data is erased, and the request is closed."))


@blueprint.post("/<int:request_id>/complete")
@allows(Role.MARKETER)
def complete(request_id: int) -> ResponseReturnValue:
    """Close a request that was fulfilled."""
    return _act(
        request_id,
        lambda s, who: steps.complete(s, request_id, _text("outcome"), staff_id=who),
        _("The request is completed. Its record can be printed."),
    )


@blueprint.post("/<int:request_id>/refuse")
@allows(Role.MARKETER)
def refuse(request_id: int) -> ResponseReturnValue:
    """Close a request that is refused, with the reason."""
    return _act(
        request_id,
        lambda s, who: steps.refuse(
            s,
            request_id,
            _chosen(Refusal, "why"),
            _text("note"),
            told=request.form.get("told") == "yes",
            staff_id=who,
        ),
        _("The request is closed as refused."),
    )


@blueprint.post("/<int:request_id>/withdraw")
@allows(Role.MARKETER)
def withdraw(request_id: int) -> ResponseReturnValue:
    """Close a request that the person took back."""
    return _act(
        request_id,
        lambda s, who: steps.withdraw_request(s, request_id, _text("note"), staff_id=who),
        _("The request is closed."),
    )


def _act(request_id: int, act: Callable[[Session, int], None], done: str) -> ResponseReturnValue:
    """Do one thing and show the request again, with what came of it."""
    try:
        with unit_of_work() as session:
            act(session, current_user().id)
        flash(done, "success")
    except UserError as error:
        flash(str(error), "danger")
    return redirect(url_for(".page", request_id=request_id))


def _text(name: str) -> str:
    return request.form.get(name, "").strip()[:4000]


def _day(name: str) -> date:
    try:
        return date.fromisoformat(_text(name))
    except ValueError:
        raise InvalidInput(_("Give a day, like 2026-03-31."), field=name) from None


def _chosen(options: type[E], name: str) -> E:
    if _text(name) not in list(options):
        raise InvalidInput(_("Choose one of the answers offered."), field=name)
    return options(_text(name))


def _file(made: proof.Json, name: str) -> Response:
    response = Response(proof.dumps(made), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
