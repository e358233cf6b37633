"""What a mail that came back says of the person to whom ours went; pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from app.mail.inbound import Recipient, Returned, ReturnKind
from app.mail.replies import BounceClass, ReturnClass


class Outcome(StrEnum):
    """What a mail that came in was good for."""

    UNSUBSCRIBED = "unsubscribed"
    UNAUTHENTIC = "unauthentic"  # a wish without a token of ours, or not that person's
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    DELAYED = "delayed"  # it is still being tried
    STRAY = "stray"  # a notice about a mail or an address that is not ours to judge
    REPLY = "reply"  # for a person to read
    AUTOMATIC = "automatic"


# What passes and did not pass in time is a soft bounce to a sender.
_CLASSES = {
    ReturnClass.HARD: BounceClass.HARD,
    ReturnClass.SOFT: BounceClass.SOFT,
    ReturnClass.TRANSIENT: BounceClass.SOFT,
    ReturnClass.BLOCK: BounceClass.BLOCK,
}


def bounce_class(found: Recipient) -> BounceClass | None:
    """Return the class of a final failure; None where nothing told why."""
    return _CLASSES.get(found.cls) if found.cls else None


def theirs(returned: Returned, is_theirs: Callable[[str], bool]) -> Recipient | None:
    """Return what a notice says of the person whom its token names, the worst first; None when it is of others.

    A mail that was passed on bounces at somebody else's address, and a forger names whom they like: neither says
    anything of the person the mail went to. A notice that names nobody speaks of whom its token names.
    """
    own = [found for found in returned.recipients if found.address is None or is_theirs(found.address)]
    own = [found for found in own if _tells(returned.kind, found)]
    return min(own, key=lambda found: (not found.final, found.cls is not ReturnClass.HARD), default=None)


def _tells(kind: ReturnKind, found: Recipient) -> bool:
    if kind is ReturnKind.COMPLAINT:
        return found.cls is ReturnClass.COMPLAINT
    return found.cls in (*_CLASSES, ReturnClass.UNDETERMINED, None)
