"""``flask campaigns launch, pause, resume, cancel, status, explain``: steering a campaign on the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from app.accounts.policy import Look
from app.accounts.services import access
from app.core import jobs
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import NotFound
from app.customers.policy import normalise
from app.customers.queries import contacts
from campaigns.commands.campaigns import campaigns
from campaigns.policy import CampaignStatus
from campaigns.queries.explain import explain
from campaigns.queries.progress import Progress, progress
from campaigns.services import control
from campaigns.services import launch as launching
from campaigns.services.pumping import FREEZE, PUMP

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SETTLED = (CampaignStatus.FINISHED, CampaignStatus.CANCELLED, CampaignStatus.DRAFT, CampaignStatus.PAUSED)


@campaigns.command("launch")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--wait", is_flag=True, help="Help with the sending and return when the campaign has come to an end.")
def launch(campaign_id: int, wait: bool) -> None:
    """Freeze the audience of draft ID and send it."""
    with unit_of_work() as session:
        launching.launch(session, campaign_id)
    shown = _work_until_settled(campaign_id) if wait else _progress(campaign_id)
    answer(_status(shown))
    if shown.status is CampaignStatus.DRAFT:
        click.echo(f"The launch failed: {shown.problem}", err=True)
        sys.exit(1)


def _work_until_settled(campaign_id: int) -> Progress:
    """Do what a worker does for this campaign, beside the workers there may be."""
    while (shown := _progress(campaign_id)).status not in _SETTLED:
        due = _due_jobs(campaign_id)
        for job_id in due:
            jobs.run(job_id)
        click.echo(f"{shown.status}: {shown.done} of {shown.recipients}, {shown.rate:.0f} a second", err=True)
        if not due:
            time.sleep(0.5)
    return shown


def _due_jobs(campaign_id: int) -> list[int]:
    with unit_of_work() as session:
        return [job_id for name in (FREEZE, PUMP) for job_id in jobs.due(session, name, campaign_id)]


def _acting(name: str, act: Callable[[Session, int], None], text: str) -> None:
    @campaigns.command(name, help=text)
    @click.argument("campaign_id", metavar="ID", type=int)
    def command(campaign_id: int) -> None:
        with unit_of_work() as session:
            act(session, campaign_id)
        answer(_status(_progress(campaign_id)))


_acting("pause", control.pause, "Stop sending campaign ID for now.")
_acting("resume", control.resume, "Go on sending campaign ID.")
_acting("cancel", control.cancel, "End campaign ID for good; what was sent stays sent.")


@campaigns.command("status")
@click.argument("campaign_id", metavar="ID", type=int)
def status(campaign_id: int) -> None:
    """Say how far campaign ID is."""
    answer(_status(_progress(campaign_id)))


@campaigns.command("explain")
@click.argument("campaign_id", metavar="ID", type=int)
@click.argument("address")
def explain_address(campaign_id: int, address: str) -> None:
    """Say why ADDRESS did or did not get campaign ID."""
    with unit_of_work() as session:
        contact = contacts.by_address(session, normalise(address).email_key)
        if contact is None:
            raise NotFound(f"Nobody in the customer base has the address {address}.")
        access.record(session, Look.EXPLAINED, "flask campaigns explain", contact_ids=[contact.id])
        found = explain(session, campaign_id, contact.id)
    answer(found.to_json())


def _progress(campaign_id: int) -> Progress:
    with unit_of_work() as session:
        return progress(session, campaign_id)


def _status(shown: Progress) -> dict[str, object]:
    return {
        "id": shown.campaign_id,
        "name": shown.name,
        "status": shown.status.value,
        "problem": shown.problem,
        "segment": shown.segment,
        "recipients": shown.recipients,
        "messages": shown.counts,
        "skipped": shown.skipped,
        "failed": shown.failed,
        "rate_per_s": round(shown.rate, 1),
        "eta_seconds": shown.eta_seconds,
    }
