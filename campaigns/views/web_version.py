"""``/view/<token>``: the web version of one message, as it was sent, without tracking."""

from __future__ import annotations

from flask import Blueprint, Response, make_response
from flask.typing import ResponseReturnValue

from app.accounts.views.guard import public
from app.core import tokens
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from campaigns.services.web_version import web_version

blueprint = Blueprint("web_version", __name__)

# A mail's own look needs inline style; it may load its pictures and nothing else, and run nothing.
_POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


@blueprint.get("/view/<token>")
@public
def view(token: str) -> ResponseReturnValue:
    """Show one message. A forged or stale token gets the friendly page of every wrong link."""
    named = tokens.read_message(Purpose.VIEW, token)
    with unit_of_work() as session:
        html = web_version(session, named.campaign_id, named.contact_id)
    response: Response = make_response(html)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response
