"""The script that puts a sign-up form on another site: one file for all forms, which reads the form's name from its
own address."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from app.accounts.views.guard import public
from app.web.page import asset_name

blueprint = Blueprint("embed_script", __name__)


@blueprint.get("/embed/<slug>.js")
@public
def script(slug: str) -> Response:
    """Return the script. Its address stays the same for years, so browsers ask again after an hour."""
    del slug
    answer = current_app.send_static_file(asset_name("embed.js"))
    answer.headers["Cache-Control"] = "public, max-age=3600"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
