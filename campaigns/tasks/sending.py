"""Jobs that send: freezing an audience, pumping, and what keeps both going."""

from __future__ import annotations

from datetime import timedelta

from app.core import jobs, log
from app.core.db import unit_of_work
from app.core.errors import EngineUnavailable, UserError
from app.core.jobs import job, periodic
from app.mail.errors import LoginRefused, TlsRefused
from campaigns.engine import reconcile as putting_right
from campaigns.engine.pump import Pump, Report
from campaigns.errors import WrongState
from campaigns.queries import waves as queries
from campaigns.services import control, launch, partitions, pumping, waves
from campaigns.services.freeze import freeze

logger = log.get("sending")

_PUMP_LOCKS = 0x7068 << 44
_BUSY = timedelta(seconds=1)
_RELAY_AWAY = timedelta(seconds=15)


@job(pumping.FREEZE.name, queue=pumping.FREEZE.queue)
def freeze_audience(campaign_id: int) -> None:
    """Freeze a launched campaign; one that cannot be frozen is a draft again, and says why.

    Anything unforeseen is tried again as jobs are, and ``watch`` sees the last failure.
    """
    try:
        with unit_of_work() as session:
            frozen = freeze(session, campaign_id)
    except (UserError, EngineUnavailable) as error:
        with unit_of_work() as session:
            launch.refuse(session, campaign_id, str(error))
    else:
        if frozen is not None:
            logger.info("audience_frozen", campaign=campaign_id, members=frozen.members, queued=frozen.queued)


@job(pumping.PUMP.name, queue=pumping.PUMP.queue)
def pump(campaign_id: int, number: int) -> None:
    """Run one of the parallel pumps of a campaign for a while, then enqueue its next run if something is left."""
    # At most 256 pumps a campaign; a second run of the same one waits for the first.
    with jobs.lock(_PUMP_LOCKS + (campaign_id << 8) + number) as held:
        if held is None:
            with unit_of_work() as session:
                pumping.continue_pump(session, campaign_id, number, delay=_BUSY)
            return
        _run(campaign_id, number)


def _run(campaign_id: int, number: int) -> None:
    with unit_of_work() as session:
        if not pumping.is_sending(session, campaign_id):
            pumping.settle(session, campaign_id)
            return
    try:
        report = Pump(campaign_id).run()
    except (UserError, LoginRefused, TlsRefused) as error:
        _pause(campaign_id, str(error))
        return
    logger.info("pumped", campaign=campaign_id, pump=number, skipped=report.skipped, **report.states)
    _after(campaign_id, number, report)


def _after(campaign_id: int, number: int, report: Report) -> None:
    problem = report.problem
    if isinstance(problem, LoginRefused | TlsRefused):  # trying again would not help: a person must act
        _pause(campaign_id, str(problem))
        return
    with unit_of_work() as session:
        if problem is not None:
            pumping.report_problem(session, campaign_id, str(problem))
            pumping.continue_pump(session, campaign_id, number, delay=_RELAY_AWAY)
            return
        if report.states.get("sent"):
            pumping.report_problem(session, campaign_id, None)
        if not report.exhausted and not report.stopped:
            pumping.continue_pump(session, campaign_id, number)
            return
        pumping.settle(session, campaign_id)


def _pause(campaign_id: int, problem: str) -> None:
    logger.warning("campaign_paused_itself", campaign=campaign_id, problem=problem)
    with unit_of_work() as session:
        try:
            control.pause(session, campaign_id, problem)
        except WrongState:  # somebody paused or cancelled it meanwhile
            pumping.settle(session, campaign_id)


@periodic("campaigns.watch", every=10)
def watch() -> None:
    """Settle what lost hosts had in hand, and campaigns that nobody pumps although they should be."""
    putting_right.lose_hosts()
    with unit_of_work() as session:
        for campaign_id in pumping.unattended(session):
            pumping.settle(session, campaign_id)
        for campaign_id in pumping.failed_launches(session):
            launch.refuse(session, campaign_id, "The launch failed; the log of the worker says why. Launch it again.")


@periodic("campaigns.waves", every=60)
def tend_waves() -> None:
    """Judge the re-permission campaigns that are being sent, and release what is due of them."""
    with unit_of_work() as session:
        asking = queries.running(session)
    for campaign_id in asking:
        with unit_of_work() as session:
            waves.tend(session, campaign_id)


@periodic("campaigns.partitions", every=600)
def ensure_partitions() -> None:
    """Make the partitions of ``message`` that coming campaigns will need."""
    with unit_of_work() as session:
        partitions.ensure_ahead(session)
