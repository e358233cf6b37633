"""Which suppressions a person's own later act lifts, and how rules are spelled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _

from app.core.errors import InvalidInput

REASONS = ("hard_bounce", "soft_bounces", "complaint", "objection", "erasure", "manual", "import")
# What the person (or their former self) wanted ends when they confirm a sign-up anew; bounces end because the
# confirmation mail has just arrived. What staff suppressed by hand stays.
LIFTED_BY_OWN_ACT = frozenset({"hard_bounce", "soft_bounces", "complaint", "objection", "erasure", "import"})
# What the person asked for is not staff's to lift.
WANTED_BY_PERSON = frozenset({"objection", "complaint", "erasure"})
# To these no confirmation mail is sent: the mailbox is not there, or staff said no.
NO_SERVICE_MAIL = frozenset({"hard_bounce", "manual"})
# What the law owes a person reaches them whatever staff suppressed (a restriction, GDPR 18, is no loss of access, 15):
# the link to their own data, and the word that their address was changed.
NO_MAILBOX = frozenset({"hard_bounce"})
# A full mailbox is emptied some day; one that takes nothing five times in 60 days, over two weeks, is left. Mails that
# arrived between are the caller's to take into account.
SOFT_LIMIT, SOFT_SPAN, SOFT_WINDOW = 5, timedelta(days=14), 60
_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")


def keeps_bouncing(times: Sequence[datetime]) -> bool:
    """Tell whether soft bounces at these times, within ``SOFT_WINDOW`` days, say that an address is dead."""
    return len(times) >= SOFT_LIMIT and max(times) - min(times) >= SOFT_SPAN


def domain_rule(text: str) -> str:
    """Return a domain as rules keep it: lower case, A-labels, without @. Raises ``InvalidInput``."""
    plain = text.strip().lower().removeprefix("@").rstrip(".")
    try:
        ascii_form = plain.encode("idna").decode()
    except UnicodeError:
        ascii_form = ""
    if not _DOMAIN.fullmatch(ascii_form):
        raise InvalidInput(_("%(text)s is no domain: write it like example.com.", text=text.strip()), field="value")
    return ascii_form


def pattern_rule(text: str) -> str:
    """Return a pattern, in which * stands for anything, as SQL's LIKE spells it. Raises ``InvalidInput``.

    A pattern without four letters or digits beside the stars would shut out nearly everybody.
    """
    plain = text.strip().lower()
    if "*" not in plain or len(re.findall(r"[a-z0-9]", plain)) < 4 or len(plain) > 254:
        raise InvalidInput(
            _(
                "%(text)s is no pattern: write it like info@* or *@*.example.com, with four letters at least.",
                text=text.strip(),
            ),
            field="value",
        )
    return plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")


def shown_pattern(value: str) -> str:
    """Return a pattern as people write it."""
    return re.sub(r"\\(.)|%", lambda found: found[1] or "*", value)
