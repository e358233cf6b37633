"""The page behind the confirmation mail: GET shows a button, only POST confirms."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.views import language
from app.accounts.views.guard import csrf, public
from app.brands.queries import brands
from app.core.db import unit_of_work
from app.core.errors import InvalidToken
from app.core.jobs import enqueue
from consent.queries import forms, topics
from consent.services import confirm as service
from consent.services.preferences import masked
from consent.tasks.confirmation import answer_sign_up, welcome
from consent.views.visits import refuse_cross_site, visit

blueprint = Blueprint("confirm", __name__)


@blueprint.get("/confirm/<token>")
@public
def ask(token: str) -> ResponseReturnValue:
    """Show what would be confirmed."""
    try:
        return _page(token, done=False)
    except InvalidToken as error:
        return _late(token, error)


@blueprint.post("/confirm/<token>")
@public
def confirm(token: str) -> ResponseReturnValue:
    """Confirm."""
    refuse_cross_site()
    try:
        with unit_of_work() as session:
            shown = service.pending(session, token)
            if shown.minor_email is not None:
                statement = parental_statement(brands.brand(session, shown.brand_id).name)
                child = service.agree_as_parent(session, token, visit(), statement)
                if child is not None:
                    enqueue(session, answer_sign_up, child)
            elif service.confirm(session, token, visit(), also=request.form.getlist("also", type=int)):
                enqueue(session, welcome, shown.sign_up_id)
        return _page(token, done=True)
    except InvalidToken as error:
        return _late(token, error)


@blueprint.get("/confirm/<token>/renew")
@public
def back(token: str) -> ResponseReturnValue:
    """Lead a reader who reloads the page after the button back to the beginning."""
    return redirect(url_for(".ask", token=token, lang=request.args.get("lang")))


@blueprint.post("/confirm/<token>/renew")
@public
def renew(token: str) -> ResponseReturnValue:
    """Send a fresh link to the mailbox that an expired one was for."""
    refuse_cross_site()
    with unit_of_work() as session:
        sign_up_id = service.renew(session, token, visit())
        if sign_up_id is not None:
            enqueue(session, answer_sign_up, sign_up_id)
    return render_template("web/consent/renewed.html", brand=None)


def parental_statement(brand: str) -> str:
    """Return what a parent agrees to; the ledger keeps it as evidence."""
    text = _("I hold parental responsibility for this child and agree that %(brand)s writes to them.", brand=brand)
    return str(text)


def _page(token: str, *, done: bool) -> str:
    with unit_of_work() as session:
        pending = service.pending(session, token)
        brand = brands.brand(session, pending.brand_id)
        named = {topic.id: topic for topic in topics.topics(session, pending.brand_id, archived=True)}
        form = forms.form(session, pending.form_id)
    language.use(pending.language)
    return render_template(
        "web/consent/confirm.html",
        brand=brand,
        token=token,
        done=done or pending.done,
        address=masked(pending.email),
        topics=[named[topic_id] for topic_id in pending.topic_ids if topic_id in named],
        others=[named[topic_id] for topic_id in pending.others if topic_id in named],
        tracking=pending.tracking,
        minor=masked(pending.minor_email) if pending.minor_email else "",
        statement=parental_statement(brand.name),
        form=form,
        shown_in=pending.language,
    )


def _late(token: str, error: InvalidToken) -> ResponseReturnValue:
    """Offer a fresh link when this one is genuine but late; else say that it is not valid, and no more."""
    if not error.expired:
        raise error
    return render_template("web/consent/expired.html", brand=None, token=token), 410


# No cookie, so no token in the form; views.visits says what stands in its place.
csrf.exempt(confirm)
csrf.exempt(renew)
