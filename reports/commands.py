"""``flask reports``: a campaign's figures, and the proof that all figures follow from the events."""

from __future__ import annotations

import click

from app.core.cli import answer
from app.core.db import unit_of_work
from reports.policy.export import to_csv, to_json
from reports.queries.report import report
from tracking.services.rebuild import rebuild as rebuild_folds


@click.group("reports")
def reports() -> None:
    """Campaign response."""


@reports.command("campaign")
@click.argument("campaign_id", type=int, metavar="ID")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
def campaign(campaign_id: int, form: str) -> None:
    """Print the figures of campaign ID, each rate with its counts and 95 % interval."""
    with unit_of_work() as session:
        found = report(session, campaign_id)
    data = to_json(
        found.figures,
        campaign_id=found.campaign.id,
        name=found.campaign.name,
        currency=found.brand.currency,
        at=found.at,
    )
    if form == "csv":
        click.echo(to_csv(data), nl=False)
    else:
        answer(data)


@reports.command("rebuild")
def rebuild() -> None:
    """Recompute every fold from the events and orders, mend what differs and print how much did (0 is expected).

    \b
    Prints {"differences", "messages", "rollups", "profiles", "conversions"}.
    """
    with unit_of_work() as session:
        found = rebuild_folds(session)
    answer({"differences": found.total, **vars(found)})


COMMANDS: list[click.Command] = [reports]
