"""``flask consent statistics``: permission over time."""

from __future__ import annotations

from datetime import date, timedelta

import click

from app.core import clock
from app.core.cli import answer
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from consent.commands.group import consent
from consent.policy.statistics import By
from consent.queries import statistics as queries
from consent.queries import topics
from consent.services import statistics as service


@consent.command("statistics")
@click.option("--topic", "slug", metavar="SLUG", help="One topic; without it, each of them.")
@click.option("--from", "first", metavar="DAY", help="First day, e.g. 2026-01-01; without it, a year ago.")
@click.option("--to", "last", metavar="DAY", help="Last day; without it, today.")
@click.option("--by", type=click.Choice([by.value for by in By]), default=By.MONTH.value, show_default=True)
def statistics(slug: str | None, first: str | None, last: str | None, by: str) -> None:
    """Print what each topic gained and lost, by period, level, basis and form, with its rates and what they divide.

    \b
    Prints {"from", "to", "by", "topics": [{"topic", "whole", "periods", "by_level", "by_basis", "by_form"}]}.
    """
    today = clock.now().date()
    until = _day(last, "--to") or today
    since = _day(first, "--from") or until - timedelta(days=365)
    if since > until:
        raise InvalidInput(f"--from {since} lies after --to {until}.")
    with unit_of_work() as session:
        service.refresh(session, at_once=True)
        chosen = [topics.by_slug(session, slug)] if slug else topics.topics(session, archived=True)
        found = [
            {"topic": topic.slug, **queries.statistics(session, [topic.id], since, until, By(by)).to_json()}
            for topic in chosen
        ]
    answer({"from": since.isoformat(), "to": until.isoformat(), "by": by, "topics": found})


def _day(text: str | None, option: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{option} {text!r} is no day: write it like 2026-03-31.") from None
