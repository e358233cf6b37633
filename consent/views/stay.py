"""``/stay/<token>``: the page behind a re-permission mail. GET shows a button, only POST confirms."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from app.accounts.views import language
from app.accounts.views.guard import csrf, public
from app.core import tokens
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from consent.services import stay as service
from consent.services.stay import Question
from consent.views.visits import refuse_cross_site, visit

blueprint = Blueprint("stay", __name__)


@blueprint.get("/stay/<token>")
@public
def ask(token: str) -> ResponseReturnValue:
    """Ask."""
    with unit_of_work() as session:
        asked = service.question(session, token)
    language.use(asked.language)
    return _page(asked)


@blueprint.post("/stay/<token>")
@public
def stay(token: str) -> ResponseReturnValue:
    """Confirm."""
    refuse_cross_site()
    with unit_of_work() as session:
        asked = service.question(session, token)
        language.use(asked.language)
        shown = language.select()
        service.stay(session, token, visit(), wording=_words(asked, shown), language=shown)
        asked = service.question(session, token)
    return _page(asked)


def _words(asked: Question, shown: str) -> str:
    """Return the sentence above the button."""
    with force_locale(shown):
        text: str = _(
            "%(brand)s writes to %(address)s about “%(topic)s”. May we go on?",
            brand=asked.brand.name,
            address=asked.address,
            topic=asked.topic.name(shown),
        )
        return text


def _page(asked: Question) -> str:
    token = tokens.sign_message(Purpose.PERMISSION, asked.campaign_id, asked.contact_id)
    words = _words(asked, language.select())
    return render_template("web/consent/stay.html", brand=asked.brand, asked=asked, words=words, footer_token=token)


# No cookie, so no token in the form; views.visits says what stands in its place.
csrf.exempt(stay)
