"""Where numbered links lead, kept in memory for the endpoint.

The database is asked at the first click of a campaign and again when an entry is a minute old, so that a corrected
destination takes effect; a copy in ``var/links`` lets a process that starts while the database is away redirect.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from app.core import clock, log
from app.core.errors import EngineUnavailable
from app.mail.content import Link

logger = log.get("tracking")

FRESH = timedelta(seconds=60)
UNKNOWN_AGAIN = timedelta(seconds=3)  # how soon a number that is not in the table makes us ask again

Loader = Callable[[int], Mapping[int, Link]]


@dataclass(frozen=True)
class _Entry:
    loaded_at: datetime
    links: Mapping[int, Link]


class LinkTable:
    """Links of campaigns by number. ``load`` asks the database and may raise anything when it is away."""

    def __init__(self, folder: Path, load: Loader) -> None:
        self._folder, self._load = folder, load
        self._entries: dict[int, _Entry] = {}
        self._lock = threading.Lock()

    def destination(self, campaign_id: int, n: int, values: Sequence[str]) -> str | None:
        """Return where link ``n`` leads, with ``values`` in the slots of its query; None when there is no such link.

        Raises ``EngineUnavailable`` when neither memory, database nor disk knows the campaign.
        """
        entry = self._entries.get(campaign_id)
        now = clock.now()
        if entry is None:
            with self._lock:
                entry = self._entries.get(campaign_id) or self._refresh(campaign_id, None)
        elif now - entry.loaded_at > (FRESH if n in entry.links else UNKNOWN_AGAIN) and self._lock.acquire(False):
            try:
                entry = self._refresh(campaign_id, entry)
            finally:
                self._lock.release()
        link = entry.links.get(n)
        return None if link is None else _location(link.destination(values))

    def _refresh(self, campaign_id: int, known: _Entry | None) -> _Entry:
        try:
            links = self._load(campaign_id)
        except Exception as error:  # whatever the database's trouble is, people who click must get on
            logger.warning("links_not_loaded", campaign_id=campaign_id, error=type(error).__name__)
            links = known.links if known else self._from_disk(campaign_id)
        else:
            self._to_disk(campaign_id, links)
        entry = _Entry(clock.now(), links)
        self._entries[campaign_id] = entry
        return entry

    def _path(self, campaign_id: int) -> Path:
        return self._folder / f"{campaign_id}.json"

    def _to_disk(self, campaign_id: int, links: Mapping[int, Link]) -> None:
        draft = self._folder / f"{campaign_id}.{os.getpid()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps([link.to_json() for link in links.values()]))
            draft.replace(self._path(campaign_id))
        except OSError as error:
            logger.warning("links_not_kept", campaign_id=campaign_id, error=str(error))

    def _from_disk(self, campaign_id: int) -> dict[int, Link]:
        try:
            found = [Link.from_json(entry) for entry in json.loads(self._path(campaign_id).read_text())]
        except (OSError, ValueError, KeyError):
            raise EngineUnavailable(f"The links of campaign {campaign_id} cannot be read: try again.") from None
        return {link.number: link for link in found}


def _location(url: str) -> str | None:
    """Return ``url`` as a Location header may carry it (RFC 3986), or None when it is not a web address."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname.encode("idna").decode("ascii") if parts.hostname else ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    if ":" in host:
        host = f"[{host}]"
    safe = "%/:=&?~+!$,;'@()*[]"
    return urlunsplit(
        (parts.scheme, host + port, quote(parts.path, safe), quote(parts.query, safe), quote(parts.fragment, safe))
    )
