"""Feedback reports (RFC 5965): somebody pressed "this is spam"; and reports that only look like them."""

from __future__ import annotations

import re

from app.mail.inbound.notice import Notice
from app.mail.inbound.prose import addresses

# Reports on the sender's own mail or in the sender's favour: RFC 6591 and 9991, RFC 6430.
_NO_COMPLAINT = {"auth-failure": "authfailure", "dmarc": "authfailure", "not-spam": "not_spam"}
_SUBJECT = re.compile(r"^\s*complaint about message from\b", re.I)
_NAMED_IN = ("original-rcpt-to", "removal-recipient", "original-recipient")
_RETURNED_TO = ("x-hmxmroriginalrecipient", "to", "x-original-to", "delivered-to")


def is_feedback(notice: Notice) -> bool:
    """Tell whether it is a feedback report, in the form of the standard or in that of Microsoft's programme."""
    return bool(notice.feedback) or (
        notice.returned is not None and _SUBJECT.match(notice.mail.first("subject")) is not None
    )


def no_complaint(notice: Notice) -> str:
    """Return what a feedback report is that nobody complains in; blank for a complaint."""
    return _NO_COMPLAINT.get(notice.feedback.get("feedback-type", [""])[0].strip().lower(), "")


def complainants(notice: Notice) -> list[str]:
    """Return whom a report is about; nobody where the address was taken out (the token then tells)."""
    named = [each for name in _NAMED_IN for value in notice.feedback.get(name, []) for each in addresses(value)]
    if named:
        return list(dict.fromkeys(named))
    if notice.returned is None:
        return []
    return next(
        (
            found
            for name in _RETURNED_TO
            for value in notice.returned.headers.get(name, [])
            if (found := addresses(value))
        ),
        [],
    )
