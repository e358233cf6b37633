"""What a code alone says, where the wording says nothing (RFC 3463 §3 with its registry; RFC 5321 §4.2.3)."""

from __future__ import annotations

from app.mail.replies.reasons import Reason

# Subject and detail of a permanent failure. The details ending in 0 are shrugs; they count last.
_BY_DETAIL: dict[str, Reason] = {
    "1.1": Reason.USER_UNKNOWN, "1.2": Reason.HOST_UNKNOWN, "1.3": Reason.USER_UNKNOWN, "1.4": Reason.SYSTEM,
    "1.6": Reason.HAS_MOVED, "1.7": Reason.REJECTED, "1.8": Reason.REJECTED, "1.9": Reason.REJECTED,
    "1.10": Reason.NOT_ACCEPT,
    "2.1": Reason.SUSPENDED, "2.2": Reason.MAILBOX_FULL, "2.3": Reason.TOO_LARGE, "2.4": Reason.SYSTEM,
    "3.1": Reason.SYSTEM_FULL, "3.2": Reason.SYSTEM, "3.3": Reason.SYSTEM, "3.4": Reason.TOO_LARGE,
    "3.5": Reason.SYSTEM,
    "4.1": Reason.NETWORK, "4.300": Reason.EXPIRED, "4.310": Reason.HOST_UNKNOWN, "4.316": Reason.EXPIRED,
    "4.317": Reason.EXPIRED, "4.2": Reason.NETWORK, "4.3": Reason.NETWORK, "4.4": Reason.HOST_UNKNOWN,
    "4.5": Reason.SYSTEM_FULL, "4.6": Reason.NETWORK, "4.7": Reason.EXPIRED,
    "5.3": Reason.RATE_LIMITED,
    "6.1": Reason.CONTENT, "6.2": Reason.CONTENT, "6.3": Reason.CONTENT, "6.5": Reason.CONTENT, "6.6": Reason.CONTENT,
    "6.7": Reason.CONTENT, "6.8": Reason.CONTENT, "6.9": Reason.CONTENT,
    "7.10": Reason.NO_STARTTLS, "7.15": Reason.RATE_LIMITED, "7.16": Reason.RATE_LIMITED,
    "7.20": Reason.AUTH_FAILURE, "7.21": Reason.AUTH_FAILURE, "7.22": Reason.AUTH_FAILURE, "7.23": Reason.AUTH_FAILURE,
    "7.24": Reason.AUTH_FAILURE, "7.25": Reason.REQUIRE_PTR, "7.26": Reason.AUTH_FAILURE, "7.27": Reason.REJECTED,
    "7.28": Reason.RATE_LIMITED, "7.29": Reason.AUTH_FAILURE, "7.30": Reason.NO_STARTTLS,
    "7.509": Reason.AUTH_FAILURE,  # Microsoft: the sender's domain fails DMARC
    "7.515": Reason.AUTH_FAILURE,  # Microsoft: sends in bulk and does not meet the level of authentication
    "7.511": Reason.BLOCKED, "7.606": Reason.BLOCKED, "7.650": Reason.BAD_REPUTATION,
}  # fmt: skip
_BY_SUBJECT: dict[str, Reason] = {
    "1": Reason.USER_UNKNOWN, "2": Reason.FILTERED, "3": Reason.SYSTEM, "4": Reason.NETWORK, "5": Reason.SYNTAX,
    "6": Reason.CONTENT, "7": Reason.POLICY,
}  # fmt: skip


def by_detail(code: int | None, enhanced: str) -> Reason | None:
    """Return what an enhanced code says when its detail says something."""
    if enhanced == "5.4.1" and (code or 0) >= 500:  # "no answer from host" makes no sense from one that answers
        return Reason.POLICY
    if enhanced.startswith("4.1."):  # what passes is no fault of an address
        return None
    return _BY_DETAIL.get(enhanced[2:])


def by_subject(enhanced: str) -> Reason | None:
    """Return what the subject of an enhanced code says; 5.0.0 says nothing."""
    return _BY_SUBJECT.get(enhanced[2:3])


def by_reply(code: int, *, wordless: bool) -> Reason | None:
    """Return what a reply code says by itself: 550, 551 and 553 speak of the address, 552 of room for the mail.

    A server that explains a 550 in words we do not know may mean anything by it; only a ``wordless`` one is believed.
    """
    if code in (550, 551, 553) and not wordless:
        return Reason.FILTERED
    return {
        550: Reason.USER_UNKNOWN, 551: Reason.HAS_MOVED, 552: Reason.MAILBOX_FULL, 553: Reason.USER_UNKNOWN,
        421: Reason.EXPIRED, 450: Reason.SYSTEM, 451: Reason.SYSTEM, 452: Reason.SYSTEM_FULL,
        521: Reason.NOT_ACCEPT, 556: Reason.NOT_ACCEPT,
    }.get(code)  # fmt: skip
