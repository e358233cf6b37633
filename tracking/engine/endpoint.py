"""The open and click endpoint: a small WSGI callable in front of Flask.

A hit is verified by one MAC, appended to the spool and answered; no database is on the way while the link table is
warm. Nothing an outsider sends chooses a destination: the path names a numbered link, and values in the query fill
only the slots of that link's own query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import Session

from app.core import clock, config, ids
from app.core.errors import EngineUnavailable, InvalidToken
from app.core.tokens import MessageToken, Purpose, read_message
from app.mail.content import Link
from campaigns.queries.links import links_of
from tracking.engine.alarm import Alarm
from tracking.engine.link_table import LinkTable
from tracking.engine.spool import Spool
from tracking.policy.hits import MAX_LINK, Hit, encode

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

GIF = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)  # one transparent point
MAX_QUERY, MAX_VALUES = 8192, 200
_OPEN = re.compile(r"/o/([A-Za-z0-9_-]{32})\.gif")
_CLICK = re.compile(r"/c/([A-Za-z0-9_-]{32})/(0|[1-9][0-9]{0,4})")

# No cookie is ever set; caches and referrers must not tell third parties who opened what.
_SAFE = [
    ("Cache-Control", "no-store, max-age=0"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex, nofollow"),
]
GIF_HEADERS = [
    ("Content-Type", "image/gif"),
    ("Content-Length", str(len(GIF))),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    *_SAFE,
]


class Endpoint:
    """Answers ``/o/<token>.gif`` and ``/c/<token>/<n>``."""

    def __init__(self, spool: Spool, links: LinkTable) -> None:
        self._spool, self._links = spool, links
        self._alarm = Alarm()
        pages = config.TEMPLATES / "web" / "tracking"
        self._pages = {language: (pages / f"unknown_link.{language}.html").read_bytes() for language in ("en", "fr")}

    def answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request whose path begins with ``/o/`` or ``/c/`` (WSGI)."""
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD"):
            return self._page(environ, start, "405 Method Not Allowed", [("Allow", "GET, HEAD")])
        path = environ["PATH_INFO"]
        try:
            if match := _OPEN.fullmatch(path):
                return self._open(environ, start, read_message(Purpose.ENGAGEMENT, match[1]))
            if match := _CLICK.fullmatch(path):
                return self._click(environ, start, read_message(Purpose.ENGAGEMENT, match[1]), int(match[2]))
        except InvalidToken:
            pass
        return self._page(environ, start, "404 Not Found")

    def _open(self, environ: WSGIEnvironment, start: StartResponse, token: MessageToken) -> Iterable[bytes]:
        if token.contact_id:  # a campaign-wide pixel would say nothing, and none is ever sent
            self._record(environ, "open", token, None)
        start("200 OK", GIF_HEADERS)
        return [GIF] if environ["REQUEST_METHOD"] == "GET" else []

    def _click(self, environ: WSGIEnvironment, start: StartResponse, token: MessageToken, n: int) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        if len(query) > MAX_QUERY:
            return self._page(environ, start, "414 URI Too Long")
        try:
            values = parse_qs(query, keep_blank_values=True, max_num_fields=MAX_VALUES).get("v", []) if query else []
        except ValueError:  # more than any link of ours has
            return self._page(environ, start, "400 Bad Request")
        try:
            destination = self._links.destination(token.campaign_id, n, values) if n <= MAX_LINK else None
        except EngineUnavailable:
            return self._page(environ, start, "503 Service Unavailable", [("Retry-After", "10")])
        if destination is None:
            return self._page(environ, start, "404 Not Found")
        self._record(environ, "click", token, n)
        start("302 Found", [("Location", destination), ("Content-Length", "0"), *_SAFE])
        return []

    def _record(self, environ: WSGIEnvironment, kind: str, token: MessageToken, n: int | None) -> None:
        """Append the hit to the spool. A spool that cannot take it is an alarm, and the person gets on all the same."""
        hit = Hit(
            int(clock.now().timestamp() * 1_000_000),
            kind,
            token.campaign_id,
            token.contact_id,
            n,
            environ["REQUEST_METHOD"],
            "prefetch" if _is_prefetch(environ) else "",
            environ.get("REMOTE_ADDR", "") if token.contact_id else "",
            environ.get("HTTP_USER_AGENT", ""),
        )
        try:
            self._spool.append(encode(hit))
        except OSError as error:
            self._alarm.raised(error)

    def _page(
        self, environ: WSGIEnvironment, start: StartResponse, status: str, headers: Iterable[tuple[str, str]] = ()
    ) -> Iterable[bytes]:
        """Answer with the one friendly page for whatever leads nowhere; it tells nothing of why."""
        language = "fr" if environ.get("HTTP_ACCEPT_LANGUAGE", "").lower().startswith("fr") else "en"
        body = self._pages[language]
        start(
            status,
            [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))), *headers, *_SAFE],
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _is_prefetch(environ: WSGIEnvironment) -> bool:
    """Tell whether the request itself says that nobody looks yet."""
    for name in ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ"):
        said = environ.get(name)
        if said and ("prefetch" in said.lower() or "preview" in said.lower()):
            return True
    return False


def build() -> Endpoint:
    """Return the endpoint of this process, as the settings say."""
    settings = config.current()
    spool = Spool(settings.var / "spool", ids.host_id(settings.var), fsync=settings.spool_fsync)
    return Endpoint(spool, LinkTable(settings.var / "links", _DatabaseLinks(settings.database_url)))


class _DatabaseLinks:
    """Reads the links of a campaign on a connection of its own that gives up within two seconds."""

    def __init__(self, url: str) -> None:
        options = {"connect_timeout": 2, "options": "-c statement_timeout=2000"}
        self._engine = create_engine(url, poolclass=NullPool, connect_args=options)

    def __call__(self, campaign_id: int) -> dict[int, Link]:
        with Session(self._engine) as session:
            return dict(links_of(session, campaign_id))


def tracking_middleware(inner: WSGIApplication) -> WSGIApplication:
    """Return a WSGI application that answers opens and clicks and hands everything else to ``inner``.

    The endpoint is built at the first hit: a command that makes the application must touch nothing under ``var``.
    """
    endpoint = cache(build)

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "")[:3] in ("/o/", "/c/"):
            return endpoint().answer(environ, start)
        return inner(environ, start)

    return application


def tracking_only(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """The application behind the endpoint where it runs as a process of its own (``wsgi:tracking``)."""
    start("404 Not Found", [("Content-Length", "0"), *_SAFE])
    return []
