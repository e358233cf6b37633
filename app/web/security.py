"""What every answer carries: the content policy and its kin; and the id by which a request is found in the logs."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from app.accounts.services import audit
from app.accounts.views.guard import find_user
from app.core import config, ids, log

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "style-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
FOREVER = "public, max-age=31536000, immutable"
# By endpoint, in bytes: an import of some million rows; two million addresses; a scan.
UPLOADS = {
    "imports.upload": 256 * 1024 * 1024,
    "people_lists.upload": 65 * 1024 * 1024,
    "papers.new": 20 * 1024 * 1024,
}


def install(app: Flask) -> None:
    """Set session cookies, headers and request ids of ``app``."""
    settings = config.current()
    secure = urlsplit(settings.base_url).scheme == "https"
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=[key for key in settings.secret_key_fallbacks.split(",") if key] or None,
        SESSION_COOKIE_NAME="permesso",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=7 * 24 * 3600,  # app.accounts.policy ends sessions earlier
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as its session
        MAX_CONTENT_LENGTH=5 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,  # a large design
    )
    app.before_request(_begin)
    app.after_request(_harden)


def _begin() -> None:
    g.request_id = ids.random_id(12)
    log.bind(request_id=g.request_id)
    audit.acting(audit.Actor(None, request.remote_addr))
    # Who is not known must not fill the disk with bodies, which are kept while they come in.
    if request.endpoint in UPLOADS and find_user() is not None:
        request.max_content_length = UPLOADS[request.endpoint]


def _harden(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", content_policy())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers["X-Request-Id"] = g.get("request_id", "")
    if urlsplit(config.current().base_url).scheme == "https":
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint == "static":
        headers["Cache-Control"] = FOREVER  # the name changes with the content
    elif "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    return response


def content_policy(**changes: str) -> str:
    """Return the Content-Security-Policy of a page; ``changes`` replace directives (``style_src="..."``)."""
    directives = dict(POLICY)
    if nonce := g.get("style_nonce"):
        directives["style-src"] += f" 'nonce-{nonce}'"
    if target := g.get("form_target"):
        directives["form-action"] += f" {target}"
    directives.update({name.replace("_", "-"): value for name, value in changes.items()})
    return "; ".join(f"{name} {value}" for name, value in directives.items())
