"""Why a mail did not arrive, in one word; what each reason says about the address; and whether it ends the mailing."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ReturnClass(StrEnum):
    """What a return says of the address."""

    HARD = "hard"  # it does not work, and will not
    SOFT = "soft"  # it works, and did not take this mail: full, too large, switched off for now
    BLOCK = "block"  # the receiver refused the sender or the content; the person has nothing to do with it
    TRANSIENT = "transient"  # a machine or a network was away
    UNDETERMINED = "undetermined"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    DELIVERED = "delivered"


class Reason(StrEnum):
    """Why. The words are those that bounce handlers in the field have long used."""

    USER_UNKNOWN = "userunknown"
    HOST_UNKNOWN = "hostunknown"
    HAS_MOVED = "hasmoved"
    NOT_ACCEPT = "notaccept"  # the domain takes no mail at all (RFC 7505)

    MAILBOX_FULL = "mailboxfull"
    TOO_LARGE = "emailtoolarge"
    SUSPENDED = "suspend"
    FILTERED = "filtered"  # refused behind the address: by the person's own settings, or after all was read

    AUTH_FAILURE = "authfailure"  # SPF, DKIM, DMARC
    BAD_REPUTATION = "badreputation"
    BLOCKED = "blocked"
    CONTENT = "contenterror"
    NO_STARTTLS = "failedstarttls"
    NO_RELAYING = "norelaying"
    NOT_COMPLIANT = "notcompliantrfc"
    POLICY = "policyviolation"
    RATE_LIMITED = "ratelimited"
    REJECTED = "rejected"  # the envelope's sender is refused
    REQUIRE_PTR = "requireptr"
    SECURITY = "securityerror"
    SPAM = "spamdetected"
    VIRUS = "virusdetected"

    EXPIRED = "expired"
    MAILER = "mailererror"
    NETWORK = "networkerror"
    SYSTEM = "systemerror"
    SYSTEM_FULL = "systemfull"

    ON_HOLD = "onhold"
    SYNTAX = "syntaxerror"
    UNDEFINED = "undefined"

    FEEDBACK = "feedback"
    VACATION = "vacation"
    DELIVERED = "delivered"


_CLASSES: dict[ReturnClass, tuple[Reason, ...]] = {
    ReturnClass.HARD: (Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.HAS_MOVED, Reason.NOT_ACCEPT),
    ReturnClass.SOFT: (Reason.MAILBOX_FULL, Reason.TOO_LARGE, Reason.SUSPENDED, Reason.FILTERED),
    ReturnClass.TRANSIENT: (Reason.EXPIRED, Reason.MAILER, Reason.NETWORK, Reason.SYSTEM, Reason.SYSTEM_FULL),
    ReturnClass.UNDETERMINED: (Reason.ON_HOLD, Reason.SYNTAX, Reason.UNDEFINED),
    ReturnClass.COMPLAINT: (Reason.FEEDBACK,),
    ReturnClass.AUTOREPLY: (Reason.VACATION,),
    ReturnClass.DELIVERED: (Reason.DELIVERED,),
}
_CLASS_OF = {reason: each for each, reasons in _CLASSES.items() for reason in reasons}


class Verdict(NamedTuple):
    """What a refusal means. ``suppress`` is None where nothing in it tells."""

    cls: ReturnClass
    reason: Reason
    suppress: bool | None


def verdict(reason: Reason) -> Verdict:
    """Return what ``reason`` means: only a dead address and a complaint end the mailing at once."""
    cls = _CLASS_OF.get(reason, ReturnClass.BLOCK)
    if reason is Reason.UNDEFINED:
        return Verdict(cls, reason, None)
    return Verdict(cls, reason, cls in (ReturnClass.HARD, ReturnClass.COMPLAINT))
