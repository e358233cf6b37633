"""The main navigation: what the rooms offered, as far as the person may see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from flask import current_app, request, url_for
from flask_babel import gettext as _
from werkzeug.routing import BuildError

from app.accounts.policy import Role
from app.accounts.views.guard import find_user
from app.core.registries import navigation


@dataclass(frozen=True)
class Line:
    """One line as the layout shows it."""

    title: str
    url: str
    icon: str
    section: str
    active: bool


def sections() -> list[tuple[str, list[Line]]]:
    """Return the lines for who is signed in, by section, in order."""
    lines = list(_lines())
    return [(section, list(group)) for section, group in groupby(lines, key=lambda line: line.section)]


def settings_tabs() -> list[tuple[str, str, bool]]:
    """Return the tabs of the settings pages: text, URL, whether it is this page."""
    tabs = (
        (_("Brands"), "brands.index"),
        (_("Senders"), "senders.index"),
        (_("Controller"), "controller.form"),
        (_("Register"), "register.index"),
        (_("Staff"), "staff.index"),
        (_("Operations"), "operations.index"),
        (_("Audit trail"), "staff.audit"),
        (_("Access log"), "access.index"),
    )
    known = [(text, endpoint) for text, endpoint in tabs if endpoint in current_app.view_functions]
    return [(text, url_for(endpoint), _is_here(url_for(endpoint))) for text, endpoint in known]


def _lines() -> Iterator[Line]:
    user = find_user()
    if user is None:
        return
    for entry in sorted(navigation, key=lambda entry: entry.order):
        if not user.role.reaches(Role(entry.role)):
            continue
        try:
            url = url_for(entry.endpoint)
        except BuildError:
            continue  # a room that is not wired here
        yield Line(str(entry.title), url, entry.icon, str(entry.section), _is_here(url))


def _is_here(url: str) -> bool:
    path = request.path
    return path == url if url == "/" else path == url or path.startswith(url.rstrip("/") + "/")
