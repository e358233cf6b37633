"""Merging two contacts: choosing the other one, the preview side by side, the merge and its undoing."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.core.errors import Conflict
from app.customers.forms import CORE_TEXTS
from app.customers.policy.values import show
from app.customers.queries import contacts as queries
from app.customers.queries import listing, quality
from app.customers.queries import merging as merging_queries
from app.customers.queries.fields import dictionary
from app.customers.services import merging
from app.customers.views.quality import KINDS

blueprint = Blueprint("merging", __name__, url_prefix="/contacts")


@blueprint.get("/<int:contact_id>/merge")
@allows(Role.MARKETER)
@shows_people(Look.LISTED)
def choose(contact_id: int) -> ResponseReturnValue:
    """Look for the contact who is the same person."""
    text = request.args.get("q", "").strip()[:200]
    with unit_of_work() as session:
        contact = queries.contact(session, contact_id)
        found = listing.page(session, listing.Search(text)).contacts if text else []
        pairs, _more = quality.pairs(session, contact_id=contact_id)
    suggested = [(pair.high if pair.low.id == contact_id else pair.low, pair.kinds) for pair in pairs]
    others = [other for other in found if other.id != contact_id][:20]
    saw([contact_id, *(other.id for other in others), *(other.id for other, _kinds in suggested)])
    return render_template(
        "web/customers/merge_choose.html",
        contact=contact,
        others=others,
        text=text,
        suggested=suggested,
        why_names=KINDS,
    )


@blueprint.get("/<int:kept>/merge/<int:folded>")
@allows(Role.MARKETER)
@shows_people(Look.OPENED)
def preview(kept: int, folded: int) -> ResponseReturnValue:
    """Show both side by side, and what is permitted once they are one."""
    chosen = {name: side for name, side in request.args.items() if side in ("kept", "folded")}
    with unit_of_work() as session:
        both = [queries.contact(session, contact_id) for contact_id in (kept, folded)]
        saw([kept, folded])
        try:
            made = merging.preview(session, kept, folded, chosen)
        except Conflict as problem:
            flash(str(problem), "warning")
            return redirect(url_for("contacts.page", contact_id=merging_queries.head(session, kept)))
        did = [merging_queries.behaviour(session, contact_id) for contact_id in (kept, folded)]
        labels = {field.name: field.label(_language()) for field in dictionary(session)}
    return render_template(
        "web/customers/merge.html",
        kept=both[0],
        folded=both[1],
        did=did,
        preview=made,
        labels=CORE_TEXTS | labels,
        show=show,
    )


@blueprint.post("/<int:kept>/merge/<int:folded>")
@allows(Role.MARKETER)
def merge(kept: int, folded: int) -> ResponseReturnValue:
    """Merge the one into the other."""
    with unit_of_work() as session:
        merging.merge(session, kept, folded, dict(request.form.items()))
    flash(_("Merged: both are one person now. The merge can be undone on this page."), "success")
    return redirect(url_for("contacts.page", contact_id=kept))


@blueprint.post("/<int:contact_id>/unmerge")
@allows(Role.MARKETER)
def undo(contact_id: int) -> ResponseReturnValue:
    """Make two persons of one again."""
    with unit_of_work() as session:
        kept = merging.undo(session, contact_id)
    flash(_("The merge is undone: these are two contacts again."), "success")
    return redirect(url_for("contacts.page", contact_id=kept))


def _language() -> str:
    locale = get_locale()
    return str(locale.language) if locale else "en"
