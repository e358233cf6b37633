"""Jobs of the pages behind a fresh link: the link itself, a change of address, the word that all is erased."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.brands.queries import brands
from app.core import clock, links, log
from app.core.db import unit_of_work
from app.core.jobs import Queue, job, periodic
from app.core.secrets import unseal
from consent.policy.access import VALID
from consent.services import access, address, leaving
from consent.services.preferences import masked
from consent.tasks.post import post

logger = log.get("consent")
ERASED_VALID = timedelta(hours=20)  # how long the last mail is tried; then even its sealed address is gone


@job("consent.answer_access", queue=Queue.SYSTEM)
def answer_access(request_id: int, by_link: int = 0) -> None:
    """Send the link that was asked for, unless it is not to be sent. May send it twice after a crash."""
    with unit_of_work() as session:
        mail = access.answer(session, request_id, by_link=bool(by_link))
    if mail is None:
        return
    token = access.token_for(mail.contact_id, mail.address_key, mail.brand_id)
    minutes = int(VALID.total_seconds() // 60)
    link = links.access(token)
    post("access_link", mail.brand_id, mail.email, mail.language, {"link_url": link, "minutes": minutes})


@job("consent.ask_new_address", queue=Queue.SYSTEM)
def ask_new_address(change_id: int) -> None:
    """Ask in the new mailbox whether the address is to be changed."""
    with unit_of_work() as session:
        change = address.answer(session, change_id)
    if change is not None:
        values = {"confirm_url": links.address(address.token_for(change.id)), "former_address": masked(change.former)}
        post("address_confirm", change.brand_id, change.email, change.language, values)


@job("consent.tell_former_address", queue=Queue.SYSTEM)
def tell_former_address(change_id: int) -> None:
    """Tell the former mailbox that the address was changed, and whom to ask when that was somebody else."""
    with unit_of_work() as session:
        told = address.former_address(session, change_id)
        controller = brands.controller(session)
    if told is not None and controller is not None:
        change, former = told
        values = {"new_address": masked(change.email), "contact_email": controller.contact_email}
        post("address_changed", change.brand_id, former, change.language, values)


@job("consent.tell_erased", queue=Queue.SYSTEM, attempts=75)
def tell_erased(sealed_address: str, language: str, brand_id: int, asked_at: str) -> None:
    """Say to somebody who is erased that it is done. The address is nowhere else any more, so it travels sealed, and
    goes with this job, whether the mail could be sent or not."""
    if clock.now() - datetime.fromisoformat(asked_at) > ERASED_VALID:
        logger.warning("erasure_not_told")
        return
    with unit_of_work() as session:
        controller = brands.controller(session)
    values = {"contact_email": controller.contact_email if controller else ""}
    post("erased", brand_id, unseal(sealed_address.encode()).decode(), language, values)


@periodic("consent.purge_pages", every=3600)
def purge_pages() -> None:
    """Forget what the subscriber's pages need no longer."""
    with unit_of_work() as session:
        counts = {
            "access_requests": access.purge(session),
            "address_changes": address.purge(session),
            "leaving_reasons": leaving.detach(session),
        }
    if any(counts.values()):
        logger.info("pages_purged", **counts)
