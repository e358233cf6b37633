"""Which language a page is in: ``?lang``, else what the view chose, the signed-in person's, the session's, the
browser's, English.

Only the pages that lead to the sign-in keep what ``?lang`` asked for: the subscriber's pages set no cookie."""

from __future__ import annotations

from flask import g, has_request_context, request, session
from flask_babel import refresh

from app.accounts.policy import LANGUAGES
from app.accounts.views.guard import find_user

_KEPT_BY = frozenset({"sign_in", "welcome"})


def select() -> str:
    """Return the language of this request (Flask-Babel's locale selector); English for commands and jobs."""
    if not has_request_context():
        return "en"
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        if request.blueprint in _KEPT_BY and find_user() is None:
            session["lang"] = asked
        return asked
    if chosen := g.get("language"):
        return str(chosen)
    if user := find_user():
        return user.language
    kept = session.get("lang")
    if kept in LANGUAGES:
        return str(kept)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def use(language: str) -> None:
    """Show the rest of this request in ``language`` (a contact's), unless ``?lang`` asks otherwise."""
    if language in LANGUAGES:
        g.language = language
        refresh()
