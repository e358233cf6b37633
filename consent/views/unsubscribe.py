"""Unsubscribing: a page with a button for people, one-click for mail programs (RFC 8058).

A browser's form carries the field ``page``; every other POST is a one-click, whatever its body is: urlencoded,
multipart, JSON, plain text or empty. Both withdraw at once. GET and HEAD change nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.accounts.views.guard import csrf, public
from app.core import tokens
from app.core.db import unit_of_work
from app.core.errors import NotFound
from consent.forms.names import LEAVING_NAMES
from consent.policy.standing import Actor
from consent.queries import topics
from consent.services import leaving, preferences, undo
from consent.services.sign_up import evidence
from consent.services.withdraw import leave, withdraw
from consent.views.footer_links import FooterLink, follow
from consent.views.visits import refuse_cross_site, visit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get("/unsubscribe/<token>")
@public
def ask(token: str) -> ResponseReturnValue:
    """Say what the button will do."""
    with unit_of_work() as session:
        link = follow(session, token)
        topic = topics.topic(session, link.mail.topic_id)
        shown = preferences.load(session, link.contact_id, link.brand.id)
    on = any(choice.on for choice in shown.choices if choice.topic.id == topic.id)
    return render_template(
        "web/consent/unsubscribe.html", brand=link.brand, token=token, topic=topic, shown=shown, on=on
    )


@blueprint.post("/unsubscribe/<token>")
@public
def unsubscribe(token: str) -> ResponseReturnValue:
    """Withdraw the topic of the mail."""
    if _from_page():
        return _done(token, everything=False)
    with unit_of_work() as session:
        _one_click(session, token)
    # 2xx and no redirect (RFC 8058 §3.1).
    return Response("Unsubscribed.\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/unsubscribe/<token>/all")
@blueprint.get("/unsubscribe/<token>/undo")
@blueprint.get("/unsubscribe/<token>/reason")
@public
def back(token: str) -> ResponseReturnValue:
    """Lead a reader who reloads, or changes the language of, the page after a button back to the beginning."""
    return redirect(url_for(".ask", token=token, lang=request.args.get("lang")))


@blueprint.post("/unsubscribe/<token>/all")
@public
def unsubscribe_all(token: str) -> ResponseReturnValue:
    """Withdraw every topic of the brand."""
    refuse_cross_site()
    return _done(token, everything=True)


@blueprint.post("/unsubscribe/<token>/undo")
@public
def take_back(token: str) -> ResponseReturnValue:
    """Give back what the page before had withdrawn."""
    refuse_cross_site()
    with unit_of_work() as session:
        link = follow(session, token)
        undo.undo(
            session,
            link.contact_id,
            request.form.get("undo", ""),
            campaign_id=link.campaign_id,
            evidence=_proof(),
        )
        leaving.take_back(session, link.contact_id, link.brand.id, link.campaign_id)
        shown = preferences.load(session, link.contact_id, link.brand.id)
    return render_template("web/consent/undone.html", brand=link.brand, token=token, shown=shown)


@blueprint.post("/unsubscribe/<token>/reason")
@public
def say_why(token: str) -> ResponseReturnValue:
    """Keep why the person left: one click, and a few words if they like."""
    refuse_cross_site()
    reason, comment = request.form.get("reason", ""), request.form.get("comment", "")
    with unit_of_work() as session:
        link = follow(session, token)
        leaving.say_why(session, link.contact_id, link.brand.id, link.campaign_id, reason, comment)
    return render_template(
        "web/consent/reason.html",
        brand=link.brand,
        token=token,
        reason=reason if reason in LEAVING_NAMES else "other",
        reasons=LEAVING_NAMES,
        said=bool(comment.strip()),
        undo_token=request.form.get("undo", "")[:4000],
    )


def _from_page() -> bool:
    """Tell whether a browser's form was sent. A body that cannot be parsed is no form, and still a one-click."""
    try:
        return "page" in request.form
    except HTTPException:
        return False


def _one_click(session: Session, token: str) -> None:
    named = tokens.read_message(tokens.Purpose.PERMISSION, token)
    with suppress(NotFound):
        leave(session, named.campaign_id, named.contact_id, {**_proof(), "method": "one-click"})


def _done(token: str, *, everything: bool) -> ResponseReturnValue:
    with unit_of_work() as session:
        link = follow(session, token)
        before = undo.granted(session, link.contact_id)
        withdrawn = withdraw(
            session,
            link.contact_id,
            None if everything else [link.mail.topic_id],
            brand_id=link.brand.id,
            actor=Actor.SUBSCRIBER,
            campaign_id=link.campaign_id,
            evidence=_proof(),
        )
        undo_token = undo.token_for(session, link.contact_id, before, withdrawn)
        return _page_after(session, token, link, undo_token, everything)


def _page_after(session: Session, token: str, link: FooterLink, undo_token: str, everything: bool) -> str:
    shown = preferences.load(session, link.contact_id, link.brand.id)
    return render_template(
        "web/consent/unsubscribed.html",
        brand=link.brand,
        token=token,
        topic=topics.topic(session, link.mail.topic_id),
        remaining=[choice.topic for choice in shown.choices if choice.on],
        address=shown.address,
        undo_token=undo_token,
        everything=everything,
        reasons=LEAVING_NAMES,
    )


def _proof() -> dict[str, str]:
    came = visit()
    return evidence("", came.ip, came.user_agent, came.page)


# No cookie, so no token in the form; views.visits says what stands in its place.
csrf.exempt(unsubscribe)
csrf.exempt(unsubscribe_all)
csrf.exempt(take_back)
csrf.exempt(say_why)
