"""The preference page: no sign-in, the address masked, changes by POST only.

It stands behind the footer link of a mail, and behind a fresh link to the mailbox (``views.access``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _

from app.accounts.views.guard import csrf, public
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from consent.errors import NotAllowed
from consent.forms.names import LEAVING_NAMES
from consent.policy import pausing
from consent.policy.standing import Actor
from consent.services import pause, preferences
from consent.services.objections import object_to_marketing
from consent.services.sign_up import evidence
from consent.services.withdraw import withdraw
from consent.views.footer_links import FooterLink, follow
from consent.views.visits import refuse_cross_site, visit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("preferences", __name__)
ACTS = ("save", "none", "object", "pause", "resume")


@blueprint.get("/preferences/<token>")
@public
def show(token: str) -> ResponseReturnValue:
    """Show the choices."""
    with unit_of_work() as session:
        return choices(session, follow(session, token), footer_token=token)


@blueprint.post("/preferences/<token>")
@public
def change(token: str) -> ResponseReturnValue:
    """Write what was changed, against what this page had shown, so that an old tab takes nothing back."""
    refuse_cross_site()
    try:
        with unit_of_work() as session:
            apply(session, follow(session, token))
    except (InvalidInput, NotAllowed) as error:
        with unit_of_work() as session:
            return choices(session, follow(session, token), footer_token=token, error=str(error)), error.status
    return saved()


def choices(
    session: Session, link: FooterLink, *, footer_token: str = "", access_token: str = "", error: str = ""
) -> str:
    """Return the page of what a link's holder may choose. One of the tokens says what else it leads to."""
    today = clock.now().date()
    shown = preferences.load(session, link.contact_id, link.brand.id)
    until = shown.paused_until
    return render_template(
        "web/consent/preferences.html",
        brand=link.brand,
        token=footer_token,
        access_token=access_token,
        shown=shown,
        paused=format_date(until.astimezone(ZoneInfo(link.brand.time_zone)).date(), "long") if until else "",
        wording=_wording(link.brand.name),
        saved=request.args.get("saved", ""),
        error=error,
        months=[(count, format_date(pausing.first_day(str(count), "", today), "long")) for count in pausing.MONTHS],
        today=today,
        longest=today + pausing.LONGEST,
        reasons=LEAVING_NAMES if footer_token else {},
    )


def apply(session: Session, link: FooterLink) -> None:
    """Do what a button of the page asks. Raises ``InvalidInput`` for a pause that cannot be."""
    act, came = request.form.get("act", "save"), visit()
    proof = evidence("", came.ip, came.user_agent, came.page)
    who, mail = link.contact_id, {"campaign_id": link.campaign_id}
    if act == "none":
        withdraw(session, who, None, brand_id=link.brand.id, actor=Actor.SUBSCRIBER, evidence=proof, **mail)
    elif act == "object":
        object_to_marketing(session, who, actor=Actor.SUBSCRIBER, evidence=proof, **mail)
    elif act == "pause":
        day = pausing.first_day(request.form.get("for", ""), request.form.get("until", ""), clock.now().date())
        until = pausing.begin(day, link.brand.time_zone)
        pause.pause(session, who, link.brand.id, until, actor=Actor.SUBSCRIBER, evidence=proof, **mail)
    elif act == "resume":
        pause.resume(session, who, link.brand.id, actor=Actor.SUBSCRIBER, evidence=proof, **mail)
    else:
        preferences.change(session, who, link.mail, _changed(), came, wording=_wording(link.brand.name), **mail)


def saved() -> ResponseReturnValue:
    """Lead back to the page, which says what was done."""
    act = request.form.get("act", "save")
    told = {"saved": act if act in ACTS else "save", "lang": request.args.get("lang", "")}
    return redirect(f"{request.path}?{urlencode({name: text for name, text in told.items() if text})}", 303)


def _changed() -> preferences.Change:
    """Return the difference between what the page had shown and what came back."""
    shown_on = set(request.form.getlist("shown_on", type=int))
    shown = shown_on | set(request.form.getlist("shown_off", type=int))
    ticked = set(request.form.getlist("topic", type=int)) & shown
    had, has = request.form.get("shown_tracking"), "yes" if request.form.get("tracking") == "yes" else "no"
    return preferences.Change(
        on=frozenset(ticked - shown_on),
        off=frozenset(shown_on - ticked),
        tracking=None if had is None or had == has else has == "yes",
    )


def _wording(brand: str) -> dict[str, str]:
    """Return what is said beside the boxes; the ledger keeps it as the wording agreed to."""
    return {
        "topics": _(
            "I would like to receive e-mails from %(brand)s about what is ticked. "
            "I can change this at any time with the link in every e-mail.",
            brand=brand,
        ),
        "tracking": _(
            "%(brand)s may measure whether I open these e-mails and what I click in them. "
            "I can refuse this and still receive the e-mails.",
            brand=brand,
        ),
    }


# No cookie, so no token in the form; views.visits says what stands in its place.
csrf.exempt(change)
