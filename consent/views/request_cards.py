"""Where requests show on other pages: the dashboard, and the timeline of a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _

from app.customers.queries.timeline import TimelineEntry
from consent.forms.requests import CHANNEL_NAMES, KIND_NAMES, REQUEST_STATE_NAMES
from consent.queries import requests

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def due(session: Session) -> dict[str, object]:
    """Return what the card "Requests due" shows: nobody's name, for every role sees it."""
    return {"figures": requests.figures(session), "next": requests.page_of(session, size=3)[:3], "kinds": KIND_NAMES}


def timeline(session: Session, contact_id: int, limit: int) -> list[TimelineEntry]:
    """Return the latest requests of a person, latest first."""
    found = sorted(requests.of_contact(session, contact_id), key=lambda asked: asked.received_at, reverse=True)
    return [
        TimelineEntry(
            asked.received_at,
            "request",
            "user-question",
            _("Request: %(what)s", what=KIND_NAMES[asked.kind]),
            f"{CHANNEL_NAMES[asked.channel]} · {REQUEST_STATE_NAMES[asked.state]}",
            url_for("requests.page", request_id=asked.id),
        )
        for asked in found[:limit]
    ]
