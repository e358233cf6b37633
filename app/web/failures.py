"""Errors as pages: one sentence and a way on, never a stack trace. htmx gets a note for the corner of its page."""

from __future__ import annotations

from flask import Flask, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.core import db, log
from app.core.errors import EngineUnavailable, InvalidToken, UserError

logger = log.get("web")
# Those that a link in a mail opens.
SUBSCRIBERS_PAGES = frozenset({"self_service", "preferences", "unsubscribe", "stay", "confirm"})


def install(app: Flask) -> None:
    """Answer every error of ``app`` by a page."""
    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(RateLimitExceeded, _too_often)
    app.register_error_handler(EngineUnavailable, _engine)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(db.Unstorable, _unstorable)
    app.register_error_handler(Exception, _unexpected)


def answer(status: int, title: str, text: str, way_on: tuple[str, str] | None = None) -> ResponseReturnValue:
    """Return an error as a page, a fragment (htmx) or JSON (whoever asks for it). ``way_on``: what to do, and where."""
    if "HX-Request" in request.headers:
        response = make_response(render_template("web/errors/note.html", title=title, text=text), status)
        response.headers["HX-Retarget"] = "#toasts"
        response.headers["HX-Reswap"] = "beforeend"
        return response
    if request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html") == "application/json":
        return {"error": text}, status
    page = render_template("web/errors/error.html", status=status, title=title, text=text, way_on=way_on)
    return page, status


def _user_error(error: UserError) -> ResponseReturnValue:
    if isinstance(error, InvalidToken):
        return answer(error.status, _("This link does not work"), _invalid_link(error), _fresh_link())
    return answer(error.status, _titles().get(error.status, _("This did not work")), str(error))


def _invalid_link(error: InvalidToken) -> str:
    if error.expired:
        return str(_("This link is past its time. Ask for a new one."))
    return str(_("This link is not valid or no longer valid. Check that it was copied whole, or ask for a new one."))


def _fresh_link() -> tuple[str, str] | None:
    """Where a subscriber asks for another link; what staff follow is sent anew by a colleague."""
    if request.blueprint not in SUBSCRIBERS_PAGES:
        return None
    return str(_("Ask for a new link")), url_for("self_service.ask", lang=request.args.get("lang"))


def _csrf(error: CSRFError) -> ResponseReturnValue:
    return answer(
        400, _("The form is out of date"), _("Load the page again and repeat what you did; nothing was changed.")
    )


def _too_often(error: RateLimitExceeded) -> ResponseReturnValue:
    return answer(429, _titles()[429], _("This was tried too often. Wait a quarter of an hour, then try again."))


def _engine(error: EngineUnavailable) -> ResponseReturnValue:
    logger.error("engine_unavailable", error=str(error))
    return answer(
        503, _("Out of order for a moment"), _("A part of the system does not answer. Try again in a minute.")
    )


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error
    texts = {
        403: _("You may not see this page."),
        404: _("There is nothing at this address. Perhaps it was moved or deleted."),
        405: _("This address does not understand what was asked of it."),
        413: _("What you sent is too large."),
    }
    return answer(
        code, _titles().get(code, _("This did not work")), texts.get(code, _("The request could not be understood."))
    )


def _unstorable(error: Exception) -> ResponseReturnValue:
    return answer(400, _titles()[400], _("The request could not be understood."))


def _unexpected(error: Exception) -> ResponseReturnValue:
    # The rule, not the path: paths of public pages hold tokens.
    logger.exception("request_failed", rule=str(request.url_rule), method=request.method)
    text = _(
        "Something went wrong on our side. If it happens again, tell an administrator this number: %(id)s",
        id=g.get("request_id", ""),
    )
    return answer(500, _titles()[500], text)


def _titles() -> dict[int, str]:
    return {
        400: _("This did not work"),
        403: _("Not allowed"),
        404: _("Not found"),
        409: _("This cannot be done now"),
        422: _("Something is not right yet"),
        429: _("Too many tries"),
        500: _("Something went wrong"),
    }
