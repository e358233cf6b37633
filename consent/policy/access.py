"""How often a link to a person's own data may be sent to one mailbox, and how long such links live."""

from __future__ import annotations

from datetime import timedelta

VALID = timedelta(minutes=30)  # a link to the data; it may be used again until then
RENEWABLE = timedelta(days=30)  # after that even a genuine link is nothing to us
KEPT = timedelta(days=2)  # of requests: as long as they are counted
HOUR_MAILS, DAY_MAILS = 3, 6  # to one mailbox
DAY_ROWS = 20  # kept of one address
IP_HOUR_REQUESTS = 20

CHANGE_VALID = timedelta(hours=24)  # a link that confirms a new address
CHANGE_KEPT = timedelta(days=30)
DAY_CHANGES = 5  # asked for by one person
DAY_CHANGES_TO = 3  # of anybody, to one new address


_KEY_DIGITS = 32


def digits(address_key: bytes) -> str:
    """Return as much of an address's key as a token names it by: enough to tell one address from another."""
    return address_key.hex()[:_KEY_DIGITS]


def may_mail(in_hour: int, in_day: int) -> bool:
    """Tell whether one more link may go to a mailbox that got this many in the last hour and day."""
    return in_hour < HOUR_MAILS and in_day < DAY_MAILS
