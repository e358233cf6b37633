"""Steering a campaign and watching it: launch, pause, resume, cancel, progress, explain."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, NotFound, UserError
from app.customers.policy import normalise
from app.customers.queries import contacts
from campaigns.errors import LaunchRefused
from campaigns.queries.explain import explain
from campaigns.queries.progress import progress
from campaigns.services import control, launch
from consent.forms.names import ACTION_NAMES, ACTOR_NAMES, BASIS_NAMES, LEVEL_NAMES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("campaign_control", __name__, url_prefix="/campaigns")


@blueprint.post("/<int:campaign_id>/launch")
@allows(Role.MARKETER)
def launch_campaign(campaign_id: int) -> ResponseReturnValue:
    """Launch a draft."""
    return _act(campaign_id, launch.launch, _("The campaign is being launched."))


@blueprint.post("/<int:campaign_id>/pause")
@allows(Role.MARKETER)
def pause(campaign_id: int) -> ResponseReturnValue:
    """Stop sending for now."""
    return _act(campaign_id, control.pause, _("The campaign is paused."))


@blueprint.post("/<int:campaign_id>/resume")
@allows(Role.MARKETER)
def resume(campaign_id: int) -> ResponseReturnValue:
    """Go on sending."""
    return _act(campaign_id, control.resume, _("The campaign goes on."))


@blueprint.post("/<int:campaign_id>/cancel")
@allows(Role.MARKETER)
def cancel(campaign_id: int) -> ResponseReturnValue:
    """End it for good."""
    return _act(campaign_id, control.cancel, _("The campaign is cancelled. What was sent stays sent."))


def _act(campaign_id: int, act: Callable[[Session, int], None], done: str) -> ResponseReturnValue:
    try:
        with unit_of_work() as session:
            act(session, campaign_id)
    except NotFound:
        raise
    except LaunchRefused as error:
        for obstacle in error.obstacles:
            flash(obstacle, "danger")
    except UserError as error:
        flash(str(error), "danger")
    else:
        flash(done, "success")
    return redirect(url_for("campaigns.page", campaign_id=campaign_id))


@blueprint.get("/<int:campaign_id>/progress")
@allows(Role.VIEWER)
def show_progress(campaign_id: int) -> ResponseReturnValue:
    """How far it is: a fragment that asks for itself again while something moves.

    The fragment names the status it was drawn for; when another has come, the whole page is due, buttons included.
    """
    with unit_of_work() as session:
        shown = progress(session, campaign_id)
    if request.args.get("status", shown.status) != shown.status:
        return "", {"HX-Refresh": "true"}
    return render_template("web/campaigns/_figures.html", progress=shown)


@blueprint.get("/<int:campaign_id>/explain")
@allows(Role.ANALYST)
@shows_people(Look.EXPLAINED)
def explain_person(campaign_id: int) -> ResponseReturnValue:
    """Why somebody did or did not get it: a page, or its fragment for htmx."""
    address, problem, found = request.args.get("address", "").strip(), "", None
    contact_id = request.args.get("contact", type=int)
    with unit_of_work() as session:
        shown = progress(session, campaign_id)
        try:
            if contact_id is None and address:
                contact_id = _contact_at(session, address)
            if contact_id is not None:
                found = explain(session, campaign_id, contact_id)
                address = address or found.address or ""
                saw([contact_id], subject="campaign", subject_id=campaign_id)
        except (InvalidInput, NotFound) as error:
            problem = str(error)
    template = "web/campaigns/_explain.html" if "HX-Request" in request.headers else "web/campaigns/explain.html"
    names = {"action": ACTION_NAMES, "level": LEVEL_NAMES, "basis": BASIS_NAMES, "actor": ACTOR_NAMES}
    known = {"campaign_id": campaign_id, "progress": shown, "address": address, "problem": problem, "names": names}
    return render_template(template, explanation=found, **known)


def _contact_at(session: Session, address: str) -> int:
    found = contacts.by_address(session, normalise(address).email_key)
    if found is None:
        raise NotFound(_("Nobody in the customer base has the address %(address)s.", address=address))
    return found.id
