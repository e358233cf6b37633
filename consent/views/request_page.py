"""``/request``: what people ask about their data when they have no link, or no mailbox any more.

The answer is the same for every address, known or not. Staff verify who asks before anything is done.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.views.guard import csrf, public
from app.accounts.views.limits import limiter
from app.brands.queries import brands
from app.core import clock, tokens
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput, InvalidToken
from app.customers.policy import normalise
from consent.forms.requests import WISH_NAMES
from consent.policy.bombing import SHOWN, by_hand
from consent.policy.requests import Channel, Kind
from consent.services.requests.filing import Asked, Details, file_from_page
from consent.views.form_page import HONEYPOT
from consent.views.visits import refuse_cross_site

blueprint = Blueprint("request_page", __name__)
LONGEST = {"name": 200, "email": 320, "phone": 50, "postal": 500, "new_email": 320, "wish": 4000}


@blueprint.get("/request")
@public
def form() -> ResponseReturnValue:
    """Show the form."""
    return _page({})


@blueprint.post("/request")
@public
@limiter.limit("10 per hour")
def send() -> ResponseReturnValue:
    """Take a request, and say the same to everybody."""
    refuse_cross_site()
    trapped = bool(request.form.get(HONEYPOT))
    since = _since_shown()
    if not trapped and (since is None or not by_hand(since)):
        return _page({"form": _("Please look at the form once more and send it again.")}), 422
    asked, errors = _read()
    if errors:
        # A token that is good stays, so that correcting something is not taken for haste.
        return _page(errors, request.form["form_token"] if since else ""), 422
    if not trapped:
        try:
            with unit_of_work() as session:
                file_from_page(session, asked)
        except Conflict as full:
            return _page({"form": str(full)}), 429
    return render_template("web/requests/sent.html", **_around())


def _read() -> tuple[Asked, dict[str, str]]:
    """Return what was sent in, and what is wrong with it by field."""
    given = {name: _clean(request.form.get(name, ""), most) for name, most in LONGEST.items()}
    errors: dict[str, str] = {}
    kind = request.form.get("kind", "")
    if kind not in list(Kind):
        errors["kind"] = _("Choose what you would like.")
    if not given["name"]:
        errors["name"] = _("Tell us your name, so that we can find your data.")
    for name in ("email", "new_email"):
        try:
            if given[name]:
                normalise(given[name])
        except InvalidInput as error:
            errors[name] = str(error)
    if not given["email"]:
        errors["email"] = _("Give the address that we write to, even if you can no longer read it.")
    if not (given["phone"] or given["postal"] or given["new_email"]):
        errors["reach"] = _("Tell us how to reach you: a telephone number, a postal address or another e-mail address.")
    chosen = Kind(kind) if kind in list(Kind) else Kind.OTHER
    return Asked(chosen, Channel.PAGE, Details(**given), language=str(get_locale() or "en")[:2]), errors


def _clean(text: str, most: int) -> str:
    """Return a text without control characters (but line breaks), trimmed and cut."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c == "\n" or unicodedata.category(c)[0] != "C")
    return kept.strip()[:most]


def _since_shown() -> timedelta | None:
    try:
        shown = tokens.read_timed(
            tokens.Purpose.REQUEST, request.form.get("form_token", ""), max_age=int(SHOWN.total_seconds())
        )
    except InvalidToken:
        return None
    return timedelta(seconds=clock.now().timestamp() - float(shown["t"]))


def _page(errors: dict[str, str], token: str = "") -> str:
    return render_template(
        "web/requests/form.html",
        token=token or tokens.sign_timed(tokens.Purpose.REQUEST, {"t": clock.now().timestamp()}),
        errors=errors,
        honeypot=HONEYPOT,
        kinds=WISH_NAMES,
        **_around(),
    )


def _around() -> dict[str, object]:
    """Who answers: the brand that ``?brand=`` names, else the only one there is, and the controller."""
    with unit_of_work() as session:
        known = brands.all_brands(session)
        controller = brands.controller(session)
    named = [brand for brand in known if brand.slug == request.args.get("brand")]
    return {"brand": next(iter(named or (known if len(known) == 1 else [])), None), "controller": controller}


# No cookie, so no token in the form; views.visits says what stands in its place.
csrf.exempt(send)
