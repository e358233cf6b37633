"""Public URLs, all made here, so that paths stay stable (DESIGN, "Stable interfaces")."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.core import config


def are_safe() -> bool:
    """Tell whether nobody between can read or change what is behind our links: RFC 8058 §3.1 asks for https, and so do
    links to people's data. On this machine itself there is nobody between."""
    parts = urlsplit(config.current().base_url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def public(path: str) -> str:
    """Return the absolute URL of a public ``path`` that begins with a slash."""
    return config.current().base_url + path


def open_pixel(token: str) -> str:
    """URL of the tracking pixel of one message."""
    return public(f"/o/{token}.gif")


def click(token: str, n: int) -> str:
    """URL of the numbered link ``n`` of one message, or of a whole campaign."""
    return public(f"/c/{token}/{n}")


def unsubscribe(token: str) -> str:
    """URL of the unsubscribe page; its POST is also the one-click address of RFC 8058."""
    return public(f"/unsubscribe/{token}")


def preferences(token: str) -> str:
    """URL of the preference page."""
    return public(f"/preferences/{token}")


def access(token: str) -> str:
    """URL of a person's own pages, behind a fresh link to their mailbox."""
    return public(f"/access/{token}")


def address(token: str) -> str:
    """URL of the page whose button confirms a new address."""
    return public(f"/address/{token}")


def confirm(token: str) -> str:
    """URL of the page whose button confirms a sign-up."""
    return public(f"/confirm/{token}")


def stay(token: str) -> str:
    """URL of the page whose button says that somebody still wants to be written to."""
    return public(f"/stay/{token}")


def view(token: str) -> str:
    """URL of the web version of one message."""
    return public(f"/view/{token}")


def subscribe(form: str) -> str:
    """URL of a hosted sign-up form."""
    return public(f"/subscribe/{form}")


def mail_icons() -> str:
    """Folder URL of the small pictures that designs may show."""
    return public("/mail-icons")
