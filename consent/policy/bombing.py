"""How many confirmation mails may be asked for, so that forms cannot be used to bomb a mailbox (M3AAWG)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.core.secrets import address_key
from app.mail.providers import group_of

# To one mailbox, over all forms and however it is spelled: ada+1@, ada+2@.
PAUSE = timedelta(hours=12)  # between two confirmation mails
SPAN, MAILS = timedelta(days=30), 4
DAY, DAY_MAILS = timedelta(days=1), 3  # with questions whether a new address is theirs
IP_SPAN, IP_REQUESTS = timedelta(hours=1), 30
DOMAIN_SPAN, DOMAIN_MAILS = timedelta(hours=1), 60
FILL_IN, SHOWN = timedelta(seconds=2), timedelta(hours=24)  # least and most time between a form and its answer


@dataclass(frozen=True)
class Asked:
    """How many mails went out lately: confirmation mails to the mailbox, mails of every kind that anybody can have sent
    to it, and confirmation mails to its domain."""

    in_pause: int
    in_span: int
    in_day: int
    to_domain: int


# Characters that a provider leaves out of a local part, and domains that lead to the same mailboxes.
_IGNORED = {"gmail": ".", "proton": "._-"}
_SAME = {"gmail": ("gmail.com", "googlemail.com"), "proton": ("proton.me", "protonmail.com", "pm.me")}


def mailbox_key(email: str, domain: str) -> bytes:
    """Return the key of what all spellings of one mailbox have in common; ``domain`` is that of ``email``, in A-labels.

    Addresses that differ so are never taken for the same person; only for the sake of whose mailbox it may be.
    """
    group = group_of(domain)
    local = email.rpartition("@")[0].lower().split("+")[0]
    for character in _IGNORED.get(group, ""):
        local = local.replace(character, "")
    same = _SAME.get(group, ())
    return address_key(f"{local}@{same[0] if domain in same else domain}")


def may_mail(asked: Asked, domain: str) -> bool:
    """Tell whether one more confirmation mail may go out. Large mailbox providers have no limit of their own."""
    small = group_of(domain) == "other"
    return (
        asked.in_pause == 0
        and asked.in_span < MAILS
        and asked.in_day < DAY_MAILS
        and (not small or asked.to_domain < DOMAIN_MAILS)
    )


def by_hand(since_shown: timedelta) -> bool:
    """Tell whether a form seems to be filled in by a person: not at once, and not from an old copy."""
    return FILL_IN <= since_shown <= SHOWN
