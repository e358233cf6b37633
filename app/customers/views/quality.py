"""The quality of the base: what the last look over it found, and the contacts who may be one person."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.customers.policy.duplicates import Kind
from app.customers.queries import listing
from app.customers.queries import quality as queries
from app.customers.services.quality import counting, duplicates, quality_checks

blueprint = Blueprint("quality", __name__, url_prefix="/contacts")
KINDS = {
    Kind.ADDRESS.value: lazy_gettext("Same mailbox"),
    Kind.PHONE.value: lazy_gettext("Same telephone number"),
    Kind.NAME.value: lazy_gettext("Same name and postcode"),
}
SECTIONS = {
    "address": lazy_gettext("Addresses"),
    "gap": lazy_gettext("Gaps"),
    "response": lazy_gettext("Response"),
}


@blueprint.get("/quality")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """Show the figures of the last look over the base."""
    with unit_of_work() as session:
        figures = queries.figures(session)
        counting_now = counting.under_way(session)
        total, exact = listing.count(session, listing.Search())
    checks = list(zip(quality_checks.names(), quality_checks, strict=True))
    return render_template(
        "web/customers/quality.html",
        figures=figures,
        pairs=figures.get(counting.DUPLICATES),
        sections=[(title, [each for each in checks if each[1].section == key]) for key, title in SECTIONS.items()],
        counting=counting_now,
        total=total,
        exact=exact,
        counted_at=min((figure.counted_at for figure in figures.values()), default=None),
    )


@blueprint.post("/quality/count")
@allows(Role.MARKETER)
def count() -> ResponseReturnValue:
    """Have the base looked over now."""
    with unit_of_work() as session:
        counting.ask(session)
    return redirect(url_for(".index"))


@blueprint.get("/duplicates")
@allows(Role.MARKETER)
@shows_people(Look.LISTED)
def pairs() -> ResponseReturnValue:
    """List contacts who may be one person."""
    kind, number = request.args.get("kind", ""), max(1, request.args.get("page", 1, type=int))
    kind = kind if kind in KINDS else ""
    with unit_of_work() as session:
        found, more = queries.pairs(session, kind=kind, page=number)
        counted = bool(queries.figures(session))
    saw([person.id for pair in found for person in (pair.low, pair.high)])
    return render_template(
        "web/customers/duplicates.html",
        pairs=found,
        more=more,
        page=number,
        kind=kind,
        kinds=KINDS,
        counted=counted,
    )


@blueprint.post("/duplicates/<int:one>/<int:other>/dismiss")
@allows(Role.MARKETER)
def dismiss(one: int, other: int) -> ResponseReturnValue:
    """Say that two contacts are two people."""
    with unit_of_work() as session:
        duplicates.dismiss(session, one, other)
    flash(_("They are two people, and are not suggested again."), "success")
    return redirect(url_for(".pairs"))
