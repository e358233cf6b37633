"""The dashboard: the cards that the rooms offered; and a brand's style sheet."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts.policy import Role
from app.accounts.views.guard import allows, public
from app.brands.policy import look
from app.brands.queries import brands
from app.core.db import unit_of_work
from app.core.registries import dashboard_cards

blueprint = Blueprint("home", __name__)
shell = Blueprint("shell", __name__)


@dataclass(frozen=True)
class Card:
    """One card, loaded."""

    template: str
    size: int
    context: dict[str, object]


@blueprint.get("/")
@allows(Role.VIEWER)
def index() -> str:
    """Show the dashboard."""
    with unit_of_work() as session:
        cards = [
            Card(card.template, card.size, card.load(session))
            for card in sorted(dashboard_cards, key=lambda card: card.order)
        ]
    return render_template("web/home/index.html", cards=cards)


@shell.get("/settings")
@allows(Role.ADMINISTRATOR)
def settings() -> ResponseReturnValue:
    """Lead to the first of the settings pages."""
    return redirect(url_for("brands.index"))


@shell.get("/look/<slug>.css")
@public
def brand_look(slug: str) -> Response:
    """Return the style sheet of a brand; its URL carries the colour, so that it may be kept."""
    with unit_of_work() as session:
        brand = brands.by_slug(session, slug)
    answer = make_response(look.stylesheet(brand.colour))
    answer.mimetype = "text/css"
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer
