"""How often a link to a person's own data may be sent to one mailbox, and how long such links live."""

from __future__ import annotations

from datetime import timedelta

VALID = timedelta(minutes=30)  # a link to the data; it may be used again until then
RENEWABLE = timedelta(days=30)  # after that even a genuine link is nothing to us
KEPT = timedelta(days=2)  # of requests: as long as they are counted
# To one mailbox, and none while the last link is good: when anybody typed the address, and when who asks holds a link
# of ours; so nobody is kept from their data by a stranger who asks for it all day.
DAY_MAILS, HOLDER_MAILS = 4, 12
ROWS = 5  # kept of one address while a link is good
IP_HOUR_REQUESTS = 20

CHANGE_VALID = timedelta(hours=24)  # a link that confirms a new address
CHANGE_KEPT = timedelta(days=30)
DAY_CHANGES = 5  # asked for by one person


_KEY_DIGITS = 32


def digits(address_key: bytes) -> str:
    """Return as much of an address's key as a token names it by: enough to tell one address from another."""
    return address_key.hex()[:_KEY_DIGITS]


def may_mail(still_good: int, in_day: int, *, holder: bool = False) -> bool:
    """Tell whether one more link may go to a mailbox that got this many that are still good, and in the last day;
    ``holder`` tells that who asks holds a link of ours."""
    return still_good == 0 and in_day < (HOLDER_MAILS if holder else DAY_MAILS)
