"""What the subscriber's pages share.

They set no cookie, so their forms carry no CSRF token: who holds the link in the address may act, and a browser that
sends a form from another site says so itself (Sec-Fetch-Site, Origin), which is refused. One-click POSTs of RFC 8058
come from mail servers and are never refused for where they come from.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import has_request_context, request
from flask_babel import gettext as _

from app.accounts.policy import LANGUAGES
from app.core import links
from consent.errors import CrossSite
from consent.services.confirm import Visit

COOKIELESS = frozenset({"subscribe", "confirm", "preferences", "unsubscribe", "self_service", "request_page"})


def visit() -> Visit:
    """Return where this request comes from, as evidence keeps it. The page's path has its token cut off."""
    page = request.path.split("/", 3)
    return Visit(request.remote_addr, request.user_agent.string, links.public("/".join(page[:2])))


def from_another_site() -> bool:
    """Tell whether a browser says that another site's page sent this form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and origin not in (_origin(links.public("/")), _origin(request.host_url))


def refuse_cross_site() -> None:
    """Raise ``CrossSite`` when a browser says that another site's page sent this form."""
    if from_another_site():
        raise CrossSite(_("This form was sent from another site. Open our page and send it there."))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def keep_language(endpoint: str, values: dict[str, object]) -> None:
    """Carry the language that a visitor chose into the links of these pages, which have no cookie to keep it in."""
    if endpoint.partition(".")[0] in COOKIELESS and has_request_context() and request.args.get("lang") in LANGUAGES:
        values.setdefault("lang", request.args["lang"])
