"""What a refusal means, said at once over SMTP or returned by mail: why, what it says of the address, whether to stop.

One judge serves both ways. Telling words come first, a telling code next, then vague words, and what the code's
subject or the reply code suggests last.
"""

from __future__ import annotations

import re
from enum import StrEnum

from app.mail.replies.codes import by_detail, by_reply, by_subject
from app.mail.replies.reasons import Reason, ReturnClass, Verdict, verdict
from app.mail.replies.wording import TELLING, VAGUE, first_of, plain

__all__ = ["BounceClass", "Reason", "ReturnClass", "Verdict", "classify", "judge", "verdict"]

# Which step of the dialogue was refused (RFC 5321 §3), as mail programs note it behind or before the reply.
_BEFORE_RECIPIENT = re.compile(
    r"(?:in reply to|after|following) (?:mail from|initial connection|ehlo|helo|connect)"
    r"|>>> ?(?:mail from|ehlo|helo)|refused to talk to me"
)
_AFTER_RECIPIENT = re.compile(
    r"(?:in reply to|after|following) (?:the )?(?:end of )?(?:data|message)"
    r"|(?:>>>|command) ?(?:data|\.)(?: |$)|text command"
)
_WORDLESS = 12  # characters: a code, perhaps a word


class BounceClass(StrEnum):
    """Hard: the address does not work. Soft: try again or wait. Block: the sender is refused, not the person."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"


def judge(code: int | None, enhanced: str, *texts: str) -> Verdict:
    """Judge a refusal. ``code`` is the SMTP reply's, ``enhanced`` ``"5.1.1"`` or empty; the text to be trusted most
    comes first.

    A passing failure (4xx, 4.x.x) never says that an address is dead, and neither does a refusal at a step that has
    nothing to do with it (RFC 3463 §2).
    """
    said = [plain(text) for text in texts]
    reason = _reason(code, enhanced, said)
    found = verdict(reason)
    if found.cls is ReturnClass.HARD:
        steps = " ".join(said)
        if _BEFORE_RECIPIENT.search(steps):
            return verdict(Reason.REJECTED)
        if enhanced.startswith("4") or (code or 0) // 100 == 4:
            return verdict(Reason.FILTERED if reason is Reason.USER_UNKNOWN else Reason.NETWORK)
        # The recipient had been taken before: a filter behind the address speaks, unless a code speaks for itself, or
        # the replies of a pipeline were mixed up.
        if reason is Reason.USER_UNKNOWN and by_detail(code, enhanced) is not reason and _AFTER_RECIPIENT.search(steps):
            return verdict(reason if "no valid recipients" in steps else Reason.FILTERED)
    return found


def _reason(code: int | None, enhanced: str, said: list[str]) -> Reason:
    first, *others = said or [""]
    return (
        first_of(TELLING, first)
        or by_detail(code, enhanced)
        or first_of(VAGUE, first)
        or next((found for text in others if (found := first_of(TELLING, text))), None)
        or next((found for text in others if (found := first_of(VAGUE, text))), None)
        or by_subject(enhanced)
        or (by_reply(code, wordless=len(first) < _WORDLESS) if code else None)
        or Reason.UNDEFINED
    )


def classify(code: int, enhanced: str, text: str) -> BounceClass | None:
    """Return the class of a 4xx or 5xx reply, None for any other. ``enhanced`` is ``"5.1.1"`` or empty."""
    if code < 400:
        return None
    return _WHEN_SENDING.get(judge(code, enhanced, text).cls, BounceClass.SOFT)


_WHEN_SENDING = {ReturnClass.HARD: BounceClass.HARD, ReturnClass.BLOCK: BounceClass.BLOCK}
