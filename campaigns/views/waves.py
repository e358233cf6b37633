"""The step of a re-permission campaign in which one says whom it asks and what stops it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.forms import attach
from app.accounts.policy import Role
from app.accounts.views.guard import allows
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from campaigns.errors import EditConflict
from campaigns.forms.waves import WavesForm
from campaigns.queries import campaigns as queries
from campaigns.queries.waves import waves_of
from campaigns.services import campaigns as service
from campaigns.views.campaigns import seen_at

blueprint = Blueprint("campaign_waves", __name__, url_prefix="/campaigns")


@blueprint.route("/<int:campaign_id>/waves", methods=["GET", "POST"])
@allows(Role.MARKETER)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Show and change how a draft asks."""
    with unit_of_work() as session:
        campaign = queries.campaign(session, campaign_id)
        if not (campaign.is_draft and campaign.asks):
            return redirect(url_for("campaigns.page", campaign_id=campaign_id))
        form = WavesForm.of(waves_of(session, campaign_id), campaign.updated_at.isoformat())
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work() as session:
                service.set_waves(session, campaign_id, form.waves(), seen=seen_at(form.seen.data))
            return redirect(url_for("campaign_content.start", campaign_id=campaign_id))
        except InvalidInput as error:
            attach(form, error)
        except EditConflict as error:
            flash(str(error), "warning")
    return render_template("web/campaigns/waves.html", form=form, campaign=campaign), 422 if form.errors else 200
