"""How many confirmation mails may be asked for, so that forms cannot be used to bomb a mailbox (M3AAWG)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.mail.providers import group_of

ADDRESS_PAUSE = timedelta(hours=12)  # between two confirmation mails to one address, over all forms
ADDRESS_SPAN, ADDRESS_MAILS = timedelta(days=30), 4
MAILBOX_SPAN, MAILBOX_MAILS = timedelta(hours=12), 1  # to all spellings of one mailbox: ada+1@, ada+2@
IP_SPAN, IP_REQUESTS = timedelta(hours=1), 30
DOMAIN_SPAN, DOMAIN_MAILS = timedelta(hours=1), 60
FILL_IN, SHOWN = timedelta(seconds=2), timedelta(hours=24)  # least and most time between a form and its answer


@dataclass(frozen=True)
class Asked:
    """How many confirmation mails went out lately."""

    address_mails_in_pause: int
    address_mails_in_span: int
    mailbox_mails: int
    domain_mails: int


# Characters that a provider leaves out of a local part, and domains that lead to the same mailboxes.
_IGNORED = {"gmail": ".", "proton": "._-"}
_SAME = {"gmail": ("gmail.com", "googlemail.com"), "proton": ("proton.me", "protonmail.com", "pm.me")}


def spellings(domain: str) -> tuple[str, str]:
    """Return the characters with which, and the mark behind which, one mailbox of ``domain`` can be spelled anew.

    Addresses that differ so are never taken for the same person; only for the sake of whose mailbox it may be.
    """
    return _IGNORED.get(group_of(domain), ""), "+"


def mailbox(email: str, domain: str) -> str:
    """Return what all spellings of one mailbox have in common."""
    ignored, mark = spellings(domain)
    local = email.rpartition("@")[0].lower().split(mark)[0].translate(dict.fromkeys(map(ord, ignored)))
    return f"{local}@{same_domains(domain)[0]}"


def same_domains(domain: str) -> tuple[str, ...]:
    """Return the domains under which a mailbox of ``domain`` can be reached."""
    return _SAME.get(group_of(domain), (domain,)) if domain in _SAME.get(group_of(domain), ()) else (domain,)


def may_mail(asked: Asked, domain: str) -> bool:
    """Tell whether one more confirmation mail may go out. Large mailbox providers have no limit of their own."""
    small = group_of(domain) == "other"
    return (
        asked.address_mails_in_pause == 0
        and asked.address_mails_in_span < ADDRESS_MAILS
        and asked.mailbox_mails < MAILBOX_MAILS
        and (not small or asked.domain_mails < DOMAIN_MAILS)
    )


def by_hand(since_shown: timedelta) -> bool:
    """Tell whether a form seems to be filled in by a person: not at once, and not from an old copy."""
    return FILL_IN <= since_shown <= SHOWN
