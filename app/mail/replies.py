"""What an SMTP reply means: hard, soft or block (RFC 3463 codes first, the reply code next, the wording last)."""

from __future__ import annotations

import re
from enum import StrEnum


class BounceClass(StrEnum):
    """Hard: the address does not work. Soft: try again or wait. Block: the sender is refused, not the person."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"


_HARD, _SOFT, _BLOCK = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCK

# Permanent failures by subject and detail of the enhanced code (RFC 3463 §3); 4.x.x never is hard.
_PERMANENT: dict[str, BounceClass] = {
    "1.1": _HARD, "1.2": _HARD, "1.3": _HARD, "1.6": _HARD, "1.10": _HARD, "1.0": _HARD,
    "1.4": _SOFT, "1.5": _SOFT, "1.7": _BLOCK, "1.8": _BLOCK, "1.9": _BLOCK,
    "2.1": _HARD, "2.0": _SOFT, "2.2": _SOFT, "2.3": _SOFT, "2.4": _SOFT,
    "3.0": _SOFT, "3.1": _SOFT, "3.2": _SOFT, "3.3": _SOFT, "3.4": _SOFT, "3.5": _SOFT,
    "4.0": _SOFT, "4.1": _SOFT, "4.2": _SOFT, "4.3": _SOFT, "4.4": _HARD, "4.6": _SOFT, "4.7": _SOFT,
    "5.0": _SOFT, "5.1": _SOFT, "5.2": _SOFT, "5.3": _SOFT, "5.4": _SOFT, "5.5": _SOFT, "5.6": _SOFT,
    "6.0": _SOFT, "6.1": _SOFT, "6.2": _SOFT, "6.3": _SOFT, "6.4": _SOFT, "6.5": _SOFT, "6.7": _SOFT,
}  # fmt: skip
_BLOCK_WORDS = re.compile(
    r"\b(?:blocked|bl(?:a|o)ck ?list(?:ed)?|black-?hole|spam|reputation|dnsbl|rbl|spamhaus|spamcop"
    r"|barracuda|policy|dmarc|dkim|spf|unauthenticated|rate ?limit(?:ed)?|too many|banned|suspicious|abus(?:e|ive)|ptr"
    r"|reverse dns)\b",
    re.I,
)
_UNKNOWN_USER = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|address|person)|does not exist|doesn't exist"
    r"|(?:mailbox|recipient|address|account|user)(?: \S+)? (?:not found|unknown|invalid|unavailable|(?:is )?disabled)"
    r"|invalid (?:recipient|mailbox|address)|account (?:has been )?(?:disabled|closed|deactivated|inactive)"
    r"|recipient (?:address )?rejected: (?:user|undeliverable)|not a (?:known|valid) (?:user|mailbox|recipient)",
    re.I,
)
_FULL = re.compile(
    r"(?:mailbox|quota|storage)\b.{0,40}\b(?:full|exceed|over)|over ?quota|insufficient (?:storage|space)", re.I
)


def classify(code: int, enhanced: str, text: str) -> BounceClass | None:
    """Return the class of a 4xx or 5xx reply, None for any other. ``enhanced`` is ``"5.1.1"`` or empty."""
    if code < 400:
        return None
    subject = enhanced[2:]
    if subject.startswith("7."):
        return _BLOCK
    if code < 500 or enhanced.startswith("4"):
        return _BLOCK if _BLOCK_WORDS.search(text) and not _FULL.search(text) else _SOFT
    if subject in _PERMANENT and subject not in ("1.0", "2.0", "5.0", "4.0"):
        # Many servers say 5.1.1 or 5.2.1 for what their text calls a block.
        if _PERMANENT[subject] is _HARD and _BLOCK_WORDS.search(text) and not _UNKNOWN_USER.search(text):
            return _BLOCK
        return _PERMANENT[subject]
    if _FULL.search(text):
        return _SOFT
    if _UNKNOWN_USER.search(text):
        return _HARD
    if _BLOCK_WORDS.search(text):
        return _BLOCK
    if subject in _PERMANENT:
        return _PERMANENT[subject]
    # Without an enhanced code, 550, 551 and 553 speak of the address (RFC 5321 §4.2.3); 554 and the rest do not.
    return _HARD if code in (550, 551, 553) else _SOFT
