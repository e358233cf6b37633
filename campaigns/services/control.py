"""Pause, resume and cancel a campaign. Pumps notice within a second or two (``engine.pump``)."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock
from app.core.errors import NotFound
from campaigns.models import Campaign, Repermission
from campaigns.policy import CampaignAct, CampaignStatus, next_status
from campaigns.services.pumping import cancel_waiting, settle

# How the audit trail words what people (or, without a person, the campaign itself) did.
_DONE = {
    CampaignAct.LAUNCH: "launched",
    CampaignAct.REFUSE: "not launched",
    CampaignAct.PAUSE: "paused",
    CampaignAct.RESUME: "resumed",
    CampaignAct.CANCEL: "cancelled",
}


def pause(session: Session, campaign_id: int, problem: str | None = None) -> None:
    """Stop sending until ``resume``. ``problem`` says why, when the campaign pauses itself. Raises ``WrongState``."""
    campaign = act(session, campaign_id, CampaignAct.PAUSE)
    campaign.problem = problem


def resume(session: Session, campaign_id: int) -> None:
    """Go on with a paused campaign. Raises ``WrongState``, ``NotFound``."""
    campaign = act(session, campaign_id, CampaignAct.RESUME)
    campaign.problem = None
    # Who goes on in spite of what stopped a re-permission campaign has it judged by what comes from here on.
    session.execute(
        update(Repermission)
        .where(Repermission.campaign_id == campaign_id, Repermission.stopped_for.is_not(None))
        .values(judged_from=clock.now(), stopped_for=None)
    )
    session.flush()
    settle(session, campaign_id)


def cancel(session: Session, campaign_id: int) -> None:
    """End a campaign for good: what has not been tried never will be. Raises ``WrongState``, ``NotFound``.

    What is in flight at this moment still gets its outcome; what its pump gives back is cancelled then.
    """
    campaign = act(session, campaign_id, CampaignAct.CANCEL)
    campaign.problem, campaign.finished_at = None, clock.now()
    cancel_waiting(session, campaign_id)


def act(session: Session, campaign_id: int, what: CampaignAct) -> Campaign:
    """Lock a campaign and change its status. Raises ``WrongState``, ``NotFound``."""
    campaign = session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFound(_("There is no campaign with the number %(id)s.", id=campaign_id))
    campaign.status = next_status(CampaignStatus(campaign.status), what).value
    campaign.updated_at = clock.now()
    session.flush()
    audit.record(session, _DONE[what], "campaign", campaign_id, brand_id=campaign.brand_id)
    return campaign
