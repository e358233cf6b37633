"""What each legal basis asks for before it may be recorded, and how long it lasts.

A condition belongs to the basis and not to a profile: a contact's country may become known, or the brand's profile
change, long after the grant, and a permission must not become unproven by that. For the same reason a term that one
law sets for a basis holds wherever that basis is used, and is written into the ledger with the grant.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from consent.policy.ladder import Basis

WHEN = "when"  # stated by the time of the act itself, so it is never kept as text


@dataclass(frozen=True)
class Ground:
    """The conditions of a basis by name, and its term in calendar months (None: until it is withdrawn)."""

    conditions: tuple[str, ...] = ()
    months: int | None = None


GROUNDS: Mapping[Basis, Ground] = {
    # GDPR 7; CASL s. 6(1) and 10(1): express consent is not limited in time.
    Basis.CONSENT: Ground(),
    # ePrivacy 13(2), PECR reg. 22(3), UWG § 7(3), L34-5, Codice 130(4): the address came with a sale (a free account
    # can be one: CJEU C-654/23, Inteligo Media), the mail is about similar goods of one's own, and it could be refused
    # when the address was collected. That every mail can be refused, footer and List-Unsubscribe see to.
    Basis.SOFT_OPT_IN: Ground(("sale", "similar", "refusal")),
    # PECR reg. 22(3A): the address came with an interest in, or support for, the charity's purposes; told and able to
    # refuse as above.
    Basis.CHARITY_SUPPORT: Ground(("support", "refusal")),
    # PECR: a corporate body, not a sole trader; L34-5 and CASL s. 10(9)(b)-(c): related to the role; told, and able to
    # refuse, when the address was collected (CNIL; GDPR 13 and 21(4)).
    Basis.B2B_INTEREST: Ground(("company", "role", "told")),
    # CASL s. 10(10)(a)-(c): a purchase, lease, barter or accepted offer within two years before the day of the mail.
    Basis.IMPLIED_PURCHASE: Ground(("purchase", WHEN), 24),
    # CASL s. 10(10)(e): an inquiry or application within six months before the day of the mail.
    Basis.IMPLIED_INQUIRY: Ground(("inquiry", WHEN), 6),
}


def missing(basis: Basis, stated: Mapping[str, str], at: datetime | None) -> tuple[str, ...]:
    """Return the conditions of ``basis`` that are not stated: no text under their name, no time of the act."""
    said = {name for name, text in stated.items() if text.strip()} | ({WHEN} if at is not None else set())
    return tuple(name for name in GROUNDS[basis].conditions if name not in said)


def ends(basis: Basis, at: datetime) -> datetime | None:
    """Return the first moment at which ``basis`` no longer permits a mail, given when the act happened; None: never.

    CASL looks back from the *day* of the mail, so the last day counts whole: the day of the act, that many calendar
    months on, and no further than the month's end (29 February + 24 months: 28 February). Days are those of UTC,
    which has no summer time: every day has 24 hours, and the answer depends on no time zone of a server or a session.
    """
    months = GROUNDS[basis].months
    if months is None:
        return None
    last = _months_on(at.astimezone(UTC).date(), months)
    return datetime.combine(last + timedelta(days=1), time(), UTC)


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest of the moments that are given."""
    return min((moment for moment in moments if moment is not None), default=None)
