"""What servers write when they refuse, as families of wording in the languages they write in.

The order decides where several families match: what names its subject exactly comes before what may be said of
anything. ``TELLING`` families are believed before any code, since many servers say 5.1.1 for a block and 5.7.1 for an
unknown user; ``VAGUE`` ones only behind a code that says more.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from app.mail.replies.reasons import Reason
from app.mail.replies.wording import address, machines, sender

LONGEST = 4000  # characters of a refusal that are looked at
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r"[^\s<>@\"']{1,64}@[^\s<>@\"':,;]{1,255}")
_INNER_DOT = re.compile(r"(?<=\w)\.(?=\w)")


class Family(NamedTuple):
    """A reason and how it is worded."""

    reason: Reason
    wording: re.Pattern[str]


def _families(*pairs: tuple[Reason, tuple[str, ...]]) -> tuple[Family, ...]:
    return tuple(Family(reason, re.compile("|".join(phrases))) for reason, phrases in pairs)


TELLING = _families(
    (Reason.AUTH_FAILURE, sender.AUTHENTICATION),
    (Reason.REQUIRE_PTR, sender.NO_PTR),
    (Reason.VIRUS, sender.VIRUS),
    (Reason.NO_STARTTLS, sender.NO_TLS),
    (Reason.REJECTED, sender.SENDER),
    (Reason.NO_RELAYING, sender.RELAY),
    (Reason.ON_HOLD, machines.ON_HOLD),
    (Reason.SUSPENDED, address.SUSPENDED),
    (Reason.USER_UNKNOWN, address.GONE),
    (Reason.RATE_LIMITED, sender.TOO_OFTEN),
    (Reason.SYSTEM_FULL, machines.NO_ROOM),
    (Reason.MAILBOX_FULL, address.FULL),
    (Reason.TOO_LARGE, sender.TOO_LARGE),
    (Reason.NOT_COMPLIANT, sender.NOT_COMPLIANT),
    (Reason.BAD_REPUTATION, sender.REPUTATION),
    (Reason.SPAM, sender.SPAM),
    (Reason.BLOCKED, sender.BLOCKED),
    (Reason.SECURITY, sender.SECURITY),
    (Reason.NOT_ACCEPT, address.TAKES_NO_MAIL),
    (Reason.HOST_UNKNOWN, address.NO_HOST),
    (Reason.HAS_MOVED, address.MOVED),
)
VAGUE = _families(
    (Reason.POLICY, sender.POLICY),
    (Reason.CONTENT, sender.CONTENT),
    (Reason.FILTERED, machines.FILTERED),
    (Reason.NETWORK, machines.NETWORK),
    (Reason.EXPIRED, machines.EXPIRED),
    (Reason.MAILER, machines.MAILER),
    (Reason.SYSTEM, machines.SYSTEM),
    (Reason.SYNTAX, machines.SYNTAX),
)


def plain(text: str) -> str:
    """Return ``text`` as the families expect it: lower case, one space between words, no links, "@" for an address.

    A dot within a name or a number becomes "·", so that a plain one ends a sentence.
    """
    flat = _SPACE.sub(" ", text[:LONGEST].replace("’", "'").replace("`", "'")).lower()
    return _INNER_DOT.sub("·", _ADDRESS.sub("@", _LINK.sub("", flat))).strip()


def first_of(families: tuple[Family, ...], text: str) -> Reason | None:
    """Return the first family that ``text``, as ``plain`` leaves it, belongs to."""
    return next((family.reason for family in families if family.wording.search(text)), None)
