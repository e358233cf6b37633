"""What a file says of whether a person may be written to: status words, yes and no, moments. Pure.

Whatever is not understood never permits: a row whose status is an unknown word is refused, and something that stands
in a column of departures, readable as a date or not, means that the person left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.values import DateOrder, parse_date, shorten


class Standing(StrEnum):
    """What another system knew of a person; the later ones weigh more."""

    PERMITTED = "permitted"
    PENDING = "pending"  # asked, never confirmed
    LEFT = "left"  # unsubscribed
    BLOCKED = "blocked"  # put on the other system's block list, or switched off there
    BOUNCED = "bounced"  # the mailbox is not there
    COMPLAINED = "complained"  # reported as spam


WEIGHT = {standing: weight for weight, standing in enumerate(Standing)}
_WORDS = {
    Standing.PERMITTED: "subscribed active enabled confirmed optin optedin ok valid member abonne actif inscrit",
    Standing.PENDING: "unconfirmed pending nonsubscribed notsubscribed transactional noconsent nonconfirme enattente",
    Standing.LEFT: "unsubscribed optout optedout left inactive removed deleted desabonne desinscrit donotcontact",
    Standing.BLOCKED: "blacklisted blocklisted blocked disabled suppressed banned archived bloque desactive manual",
    Standing.BOUNCED: "bounced cleaned bounce hardbounce hardbounced invalid undeliverable invalide rebond",
    Standing.COMPLAINED: "complained complaint spam markedasspam reportedspam abuse plainte",
}
WORDS = {word: standing for standing, words in _WORDS.items() for word in words.split()}
# What stands for nothing in a column of dates or of yes and no.
_NOTHING = re.compile(r"(?:0|-|\\n|no|non|n|false|faux|null|none|nil|nan|never|0000-00-00.*|0001-01-01.*)?\Z", re.I)
_ISO = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?(?: .*)?\Z"
)
_CLOCK = re.compile(r"(.+?)[T ,]+(\d\d?):(\d\d)(?::(\d\d))?\Z")
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?\Z")


def status(text: str, codes: Mapping[str, Standing]) -> Standing:
    """Read a status: one of ``codes`` (what numbers mean to the system the file is from) or a word.

    Raises ``InvalidInput`` for one that nobody can read.
    """
    given = text.strip()
    found = codes.get(given.lower()) or WORDS.get("".join(c for c in _bare(given) if c.isalnum()))
    if found is None:
        raise InvalidInput(
            _("%(text)s: it is not known whether this person may be written to.", text=shorten(given or "–"))
        )
    return found


def _bare(text: str) -> str:
    return text.lower().translate(str.maketrans("éèêàâîïôûç", "eeeaaiiouc"))


def is_nothing(text: str) -> bool:
    """Tell whether a cell says that something did not happen: blank, 0, no, a date of zeros."""
    return _NOTHING.match(text.strip()) is not None


def moment(text: str, order: DateOrder) -> datetime | None:
    """Read a date with or without a time; UTC where no zone stands; None for what cannot be read."""
    given = text.strip()
    try:
        if found := _ISO.match(given):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
            return datetime(year, month, day, hour, minute, second, tzinfo=_zone(found[7])).astimezone(UTC)
        if _EPOCH.match(given):
            return datetime.fromtimestamp(float(given), UTC)
        hour = minute = second = 0
        if found := _CLOCK.match(given):
            given = found[1]
            hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
        plain = datetime.fromisoformat(parse_date(given, order))
        return plain.replace(hour=hour, minute=minute, second=second, tzinfo=UTC)
    except (InvalidInput, ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    if not text or text in ("Z", "UTC"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))
