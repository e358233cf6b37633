"""The hosted sign-up form. Its answer is the same for every address.

A form on another site may send here, too. It carries no token of ours, so nothing is written: the visitor sees this
page with what they typed, and sends it from here.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.views.guard import csrf, public
from consent.views.form_page import HONEYPOT, FormPage
from consent.views.taking import Answer, take
from consent.views.visits import from_another_site

blueprint = Blueprint("subscribe", __name__)


@blueprint.get("/subscribe/<slug>")
@public
def form(slug: str) -> ResponseReturnValue:
    """Show the form."""
    page = FormPage(slug)
    page.count()
    return _show(page)


@blueprint.post("/subscribe/<slug>")
@public
def send(slug: str) -> ResponseReturnValue:
    """Take a request: write it down, let a job decide about the mail, and say the same to everybody."""
    page = FormPage(slug, request.form)
    if from_another_site() or "form_token" not in page.typed:
        page.count()
        return _show(page, elsewhere=True)
    answer = take(page)
    if not answer.taken:
        return _show(page, answer), 422
    if page.form.redirect_url:
        return redirect(page.form.redirect_url, 303)
    return render_template("web/consent/subscribed.html", brand=page.brand)


def _show(page: FormPage, answer: Answer | None = None, *, elsewhere: bool = False) -> str:
    """Return the page. With an ``answer`` it holds what was typed and ticked; what came from ``elsewhere`` may have
    been ticked by that site, so only what was typed is kept."""
    if page.form.redirect_url:
        # Browsers ask the policy of the form's page about redirects, too (app.web.security reads this).
        g.form_target = _site(page.form.redirect_url)
    return render_template(
        "web/consent/subscribe.html",
        page=page,
        brand=page.brand,
        token=answer.token if answer else page.token(),
        errors=answer.errors if answer else {},
        doubt=answer.doubt if answer else None,
        elsewhere=elsewhere,
        honeypot=HONEYPOT,
    )


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if re.fullmatch(r"[\w.:@-]+", parts.netloc) else ""


# No cookie, so no token of a session; from another site nothing is taken.
csrf.exempt(send)
