"""What a form asks of a visitor's computer while somebody floods it with requests, and only then.

A flood shows by requests that nobody confirms. Then a sent form must carry a little work (``app/web/assets/work.js``),
which a browser does unseen while the visitor types; who has no script waits half a minute instead. Nobody has to read a
picture or solve a puzzle (WCAG 2.2, 3.3.8), and no third party learns of anybody.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

SPAN, REQUESTS, CONFIRMED = timedelta(hours=1), 60, 0.25  # a flood: more than these with fewer than that confirmed
BITS = 16  # of SHA-256 that must be zero: 65,536 tries, about a second of a phone
WAIT = timedelta(seconds=30)  # without script
SLOW_REQUESTS = 3  # from one place in an hour without that work
_NUMBER = re.compile(r"\d{1,12}")


def flooded(requests: int, confirmed: int) -> bool:
    """Tell whether a form that got so many requests in ``SPAN`` is being flooded."""
    return requests >= REQUESTS and confirmed < CONFIRMED * requests


def worked(token: str, number: str, bits: int = BITS) -> bool:
    """Tell whether SHA-256 of ``token:number`` begins with ``bits`` zero bits."""
    if not _NUMBER.fullmatch(number):
        return False
    digest = hashlib.sha256(f"{token}:{number}".encode()).digest()
    return int.from_bytes(digest) >> (8 * len(digest) - bits) == 0
