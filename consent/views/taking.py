"""Taking what a sign-up form sent in, from the hosted page or from a form on another site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _

from app.core import links
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.core.jobs import enqueue
from app.customers.policy import Address, normalise
from consent.policy.bombing import by_hand
from consent.services import sign_up
from consent.tasks.confirmation import answer_sign_up
from consent.views.form_page import HONEYPOT, FormPage, Shown
from consent.views.visits import visit


@dataclass(frozen=True)
class Answer:
    """What became of it. ``errors`` by field (``form`` for the whole); ``token`` is for sending it again."""

    taken: bool
    token: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def take(page: FormPage) -> Answer:
    """Check what was sent in and write it down. What a trap caught is answered like everything else."""
    if page.typed.get(HONEYPOT):
        return Answer(taken=True)
    shown = page.shown()
    if shown is None or not by_hand(shown.since):
        return _again(page, None, form=_("Please look at the form once more and send it again."))
    if shown.words != page.words:
        return _again(
            page, None, form=_("The words of this form have just changed. Please read them and send it again.")
        )
    try:
        address = normalise(page.typed.get("email", "")[:320])
        given = page.fields()
    except InvalidInput as error:
        return _again(page, shown, **{error.field or "form": str(error)})
    if not page.chosen():
        return _again(page, shown, topic=_("Choose what you would like to receive."))
    _write(page, shown, address, given)
    return Answer(taken=True)


def _again(page: FormPage, shown: Shown | None, **errors: str) -> Answer:
    """Ask for another try; a token that is good stays, so that correcting something is not taken for haste."""
    return Answer(taken=False, token=shown.token if shown else page.token(), errors=errors)


def _write(page: FormPage, shown: Shown, address: Address, given: Mapping[str, str]) -> None:
    came = visit()
    asked = sign_up.Request(
        form=page.form,
        address=address,
        topic_ids=page.chosen(),
        tracking=page.form.asks_tracking and page.typed.get("tracking") == "yes",
        language=page.language,
        ip=came.ip,
        user_agent=came.user_agent,
        page=links.subscribe(page.form.slug),
        source=shown.source,
        referrer=shown.referrer,
        notice=page.notice,
        fields=given,
    )
    with unit_of_work() as session:
        sign_up_id = sign_up.request(session, asked)
        if sign_up_id is not None:
            enqueue(session, answer_sign_up, sign_up_id)
