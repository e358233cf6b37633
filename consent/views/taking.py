"""Taking what a sign-up form sent in, from the hosted page or from a form on another site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from flask_babel import gettext as _

from app.core import links
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.core.jobs import enqueue
from app.customers.policy import Address
from consent.engine.spent import spend
from consent.policy import bombing, challenge
from consent.services import sign_up
from consent.tasks.confirmation import answer_sign_up
from consent.views.doubts import Doubt, address_of, doubt
from consent.views.form_page import HONEYPOT, FormPage, Shown
from consent.views.minors import age_statement, parent_of
from consent.views.visits import visit


@dataclass(frozen=True)
class Asker:
    """Who asks, and the parent who is to agree first when they are too young to."""

    address: Address
    parent: Address | None


@dataclass(frozen=True)
class Answer:
    """What became of it. ``errors`` by field (``form`` for the whole); ``token`` is for sending it again."""

    taken: bool
    token: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    doubt: Doubt | None = None


def take(page: FormPage) -> Answer:
    """Check what was sent in and write it down. What a trap caught is answered like everything else."""
    if page.typed.get(HONEYPOT):
        return Answer(taken=True)
    shown = page.shown()
    if shown is None or not bombing.by_hand(shown.since):
        return _again(page, None, form=_("Please look at the form once more and send it again."))
    if shown.words != page.words:
        return _again(
            page, None, form=_("The words of this form have just changed. Please read them and send it again.")
        )
    try:
        address = address_of(page)
        asked_back = doubt(page, address)
        given = page.fields()
        parent = parent_of(page, address)
    except InvalidInput as error:
        return _again(page, shown, **{error.field or "form": str(error)})
    if not page.chosen():
        return _again(page, shown, topic=_("Choose what you would like to receive."))
    if asked_back:
        return Answer(taken=False, token=shown.token, doubt=asked_back)
    worked = bool(page.work) and challenge.worked(shown.token, page.typed.get("work", ""), page.work)
    if page.work and not worked and shown.since < challenge.WAIT:
        seconds = ceil((challenge.WAIT - shown.since).total_seconds())
        return _again(page, shown, form=_wait(seconds))
    if page.work and not spend(shown.token):
        return _again(page, None, form=_("Please look at the form once more and send it again."))
    _write(page, shown, Asker(address, parent), given, slowly=bool(page.work) and not worked)
    return Answer(taken=True)


def _wait(seconds: int) -> str:
    text = _(
        "Very many requests come in just now. Wait %(seconds)s seconds, then send this again: nothing is lost.",
        seconds=seconds,
    )
    return str(text)


def _again(page: FormPage, shown: Shown | None, **errors: str) -> Answer:
    """Ask for another try; a token that is good stays, so that correcting something is not taken for haste."""
    return Answer(taken=False, token=shown.token if shown else page.token(), errors=errors)


def _write(page: FormPage, shown: Shown, asker: Asker, given: Mapping[str, str], *, slowly: bool) -> None:
    came = visit()
    asked = sign_up.Request(
        form=page.form,
        address=asker.parent or asker.address,
        topic_ids=page.chosen(),
        tracking=page.form.asks_tracking and page.typed.get("tracking") == "yes",
        language=page.language,
        ip=came.ip,
        user_agent=came.user_agent,
        page=links.subscribe(page.form.slug),
        source=shown.source,
        referrer=shown.referrer,
        notice=page.notice,
        most_from_here=challenge.SLOW_REQUESTS if slowly else bombing.IP_REQUESTS,
        minor=asker.address if asker.parent else None,
        statements=age_statement(page),
        fields=given,
    )
    with unit_of_work() as session:
        sign_up_id = sign_up.request(session, asked)
        if sign_up_id is not None:
            enqueue(session, answer_sign_up, sign_up_id)
