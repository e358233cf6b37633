"""The small pictures that designs may show (social networks, arrows), served to mail clients: the same for everybody,
so that looking at them tells nothing about anybody."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Response, send_from_directory

from app.accounts.views.guard import public

blueprint = Blueprint("mail_icons", __name__)
_YEAR = 31_536_000


@blueprint.get("/mail-icons/<name>.png")
@public
def icon(name: str) -> Response:
    """Return one picture."""
    return send_from_directory(str(files("app.mail.content") / "icons"), f"{name}.png", max_age=_YEAR)
