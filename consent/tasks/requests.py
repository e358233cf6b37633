"""Periodic work about data subjects' requests: a reminder before one is due, and forgetting."""

from __future__ import annotations

from babel.dates import format_date
from flask_babel import lazy_gettext, ngettext

from app.accounts import queries as accounts
from app.accounts.policy import Role
from app.brands.queries import brands
from app.core import config, links, log
from app.core.db import unit_of_work
from app.core.jobs import Queue, enqueue, job, periodic
from app.core.registries import Retention, retentions
from consent.queries import requests
from consent.services.requests import forgetting, steps
from consent.tasks.post import post

logger = log.get("consent")
BATCH = 500
retentions.add("requests", Retention(lazy_gettext("Requests of data subjects: who asked"), lambda _: _kept()))
CONTROLLER = 0  # stands for the contact for data protection, who need not be a member of staff


@periodic("consent.remind_requests", every=3600)
def remind() -> None:
    """Remind the administrators and the contact for data protection, once, of each request that is due in five days."""
    with unit_of_work() as session:
        due = requests.to_remind(session)
        if not due or not brands.all_brands(session):
            return
        readers = [member for member in accounts.staff(session) if member.role is Role.ADMINISTRATOR and member.active]
        controller = brands.controller(session)
        known = {member.email for member in readers}
        apart = controller is not None and controller.contact_email.lower() not in known
        for asked in due:
            steps.mark_reminded(session, asked.id)
            for reader in [*(member.id for member in readers), *([CONTROLLER] if apart else [])]:
                enqueue(session, remind_of, asked.id, reader)


@job("consent.remind_of_request", queue=Queue.SYSTEM)
def remind_of(request_id: int, reader: int) -> None:
    """Send one reminder to a member of staff, or to the contact for data protection. Says nothing about the person."""
    with unit_of_work() as session:
        asked = requests.request(session, request_id)
        brand = min(brands.all_brands(session), key=lambda brand: brand.id)
        member = accounts.staff_member(session, reader)
        controller = brands.controller(session)
    address = member.email if member else controller.contact_email if controller and reader == CONTROLLER else ""
    if not asked.is_open or not address:
        return
    language = member.language if member else brand.language
    values = {
        "request_number": str(asked.id),
        "expires": format_date(asked.due_on, "long", locale=language),
        "link_url": links.public(f"/requests/{asked.id}"),
    }
    post("request_due", brand.id, address, language, values)


@periodic("consent.purge_requests", every=86400)
def purge() -> None:
    """Delete who asked from requests that were closed long ago."""
    done = BATCH
    while done == BATCH:
        with unit_of_work() as session:
            done = forgetting.purge(session, BATCH)
        if done:
            logger.info("requests_purged", count=done)


def _kept() -> str:
    years = config.current().requests_kept_years
    return str(ngettext("%(num)d year after they are closed", "%(num)d years after they are closed", years))
