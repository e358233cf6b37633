"""Keep a sending campaign's pumps going, and finish it when nothing is left to try."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.core import clock, config
from app.core.jobs import JobName, Queue, enqueue, is_waiting
from campaigns.models import Campaign, Message
from campaigns.policy import OPEN, WAITING, CampaignAct, CampaignStatus, MessageState, next_status
from consent.services import notices

FREEZE = JobName("campaigns.freeze", Queue.SEND)
PUMP = JobName("campaigns.pump", Queue.SEND)
_SOON = timedelta(seconds=2)


def start_pumps(session: Session, campaign_id: int) -> None:
    """Enqueue the parallel pumps of a campaign, each unless it is enqueued already."""
    for number in range(config.current().send_parallel):
        continue_pump(session, campaign_id, number)


def continue_pump(session: Session, campaign_id: int, number: int, *, delay: timedelta = timedelta()) -> None:
    """Enqueue the next run of one pump, unless it is enqueued already."""
    if not is_waiting(session, PUMP, campaign_id, number):
        enqueue(session, PUMP, campaign_id, number, delay=delay)


def settle(session: Session, campaign_id: int) -> CampaignStatus:
    """Bring a campaign's status in line with its messages and see to it that what is due gets sent.

    Finishes it when nothing is open any more, cancels what came back to a cancelled one, reopens a finished one that
    got messages back, and enqueues its first pump for when the next message is due.
    """
    campaign = session.get_one(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    status = CampaignStatus(campaign.status)
    if status is CampaignStatus.CANCELLED:
        cancel_waiting(session, campaign_id)
    elif status is CampaignStatus.FINISHED and _any(session, campaign_id, WAITING):
        status = next_status(status, CampaignAct.REOPEN)
        campaign.finished_at = None
    elif status is CampaignStatus.SENDING and not _any(session, campaign_id, OPEN):
        status = next_status(status, CampaignAct.FINISH)
        campaign.finished_at, campaign.problem = clock.now(), None
    campaign.status = status
    session.flush()
    if status is CampaignStatus.SENDING:
        _pump_when_due(session, campaign_id)
    return status


def cancel_waiting(session: Session, campaign_id: int) -> int:
    """Cancel what has not been tried or waits for another try; returns how many."""
    deferred = select(Message.contact_id).where(Message.campaign_id == campaign_id, text("message.state = 'deferred'"))
    notices.take_back(session, campaign_id, deferred)
    result = session.execute(
        update(Message)
        .where(Message.campaign_id == campaign_id, Message.state.in_(WAITING))
        .values(state=MessageState.CANCELLED.value, due_at=None)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def _any(session: Session, campaign_id: int, states: tuple[MessageState, ...]) -> bool:
    # One look for each state, so that each can use the partial index of its state.
    return any(
        session.scalar(
            select(Message.contact_id)
            .where(Message.campaign_id == campaign_id, text(f"message.state = '{state.value}'"))
            .limit(1)
        )
        for state in states
    )


def _pump_when_due(session: Session, campaign_id: int) -> None:
    if _any(session, campaign_id, (MessageState.QUEUED,)):
        start_pumps(session, campaign_id)
        return
    due = session.scalar(
        select(func.min(Message.due_at)).where(Message.campaign_id == campaign_id, text("message.state = 'deferred'"))
    )
    if due is not None:
        continue_pump(session, campaign_id, 0, delay=max(due - clock.now(), _SOON))


def is_sending(session: Session, campaign_id: int) -> bool:
    """Tell whether a campaign is to be sent."""
    status = session.scalar(select(Campaign.status).where(Campaign.id == campaign_id))
    return status == CampaignStatus.SENDING


def unattended(session: Session) -> list[int]:
    """Return the campaigns that send without a pump enqueued or running, and cancelled ones with messages to cancel.

    Both are rare: a process died between its last step and the next job.
    """
    rows = session.execute(
        text("""
        SELECT c.id FROM campaign c
        WHERE c.status = 'sending' AND NOT EXISTS (
                SELECT 1 FROM job j WHERE j.name = :pump AND j.failed_at IS NULL AND j.args -> 0 = to_jsonb(c.id))
           OR c.status = 'cancelled' AND c.finished_at > now() - interval '2 days' AND EXISTS (
                SELECT 1 FROM message m WHERE m.campaign_id = c.id AND m.state = 'queued')
        ORDER BY c.id
        """),
        {"pump": PUMP.name},
    )
    return [row.id for row in rows]


def failed_launches(session: Session) -> list[int]:
    """Return the campaigns that are being launched by no job any more: it failed for good."""
    rows = session.execute(
        text("""
        SELECT c.id FROM campaign c WHERE c.status = 'launching' AND NOT EXISTS (
            SELECT 1 FROM job j WHERE j.name = :freeze AND j.failed_at IS NULL AND j.args -> 0 = to_jsonb(c.id))
        """),
        {"freeze": FREEZE.name},
    )
    return [row.id for row in rows]


def report_problem(session: Session, campaign_id: int, problem: str | None) -> None:
    """Show on the campaign why it is not sending, or that it is again."""
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.problem.is_distinct_from(problem))
        .values(problem=problem)
    )
