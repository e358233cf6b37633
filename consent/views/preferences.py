"""The preference page: no sign-in, the address masked, changes by POST only."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.views.guard import csrf, public
from app.core.db import unit_of_work
from consent.policy.standing import Actor
from consent.services import preferences
from consent.services.objections import object_to_marketing
from consent.services.sign_up import evidence
from consent.services.withdraw import withdraw
from consent.views.footer_links import follow
from consent.views.visits import refuse_cross_site, visit

blueprint = Blueprint("preferences", __name__)


@blueprint.get("/preferences/<token>")
@public
def show(token: str) -> ResponseReturnValue:
    """Show the choices."""
    with unit_of_work() as session:
        link = follow(session, token)
        shown = preferences.load(session, link.contact_id, link.brand.id)
    return render_template(
        "web/consent/preferences.html",
        brand=link.brand,
        token=token,
        shown=shown,
        mail=link.mail,
        wording=_wording(link.brand.name),
        saved=request.args.get("saved", ""),
    )


@blueprint.post("/preferences/<token>")
@public
def change(token: str) -> ResponseReturnValue:
    """Write what was changed, against what this page had shown, so that an old tab takes nothing back."""
    refuse_cross_site()
    act = request.form.get("act", "save")
    with unit_of_work() as session:
        link = follow(session, token)
        came = visit()
        proof = evidence("", came.ip, came.user_agent, came.page)
        if act == "none":
            withdraw(
                session,
                link.contact_id,
                None,
                brand_id=link.brand.id,
                actor=Actor.SUBSCRIBER,
                campaign_id=link.campaign_id,
                evidence=proof,
            )
        elif act == "object":
            object_to_marketing(
                session, link.contact_id, actor=Actor.SUBSCRIBER, campaign_id=link.campaign_id, evidence=proof
            )
        else:
            preferences.change(
                session,
                link.contact_id,
                link.mail,
                _changed(),
                came,
                campaign_id=link.campaign_id,
                wording=_wording(link.brand.name),
            )
    saved = act if act in ("none", "object") else "save"
    return redirect(url_for(".show", token=token, saved=saved, lang=request.args.get("lang")), 303)


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
