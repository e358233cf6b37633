"""What is known of a mail that came in, in the words of the interface."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.tokens import MessageToken
from app.mail.replies import ReturnClass, Verdict

LONGEST_SAID = 500  # characters


class ReturnKind(StrEnum):
    """What a mail that came in is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    AUTOREPLY_WITH_FAILURE = "autoreply_with_failure"  # an automatic answer that says its writer is gone
    CHALLENGE = "challenge_response"
    UNSUBSCRIBE = "unsubscribe"
    REPLY = "reply"
    DELIVERED = "delivered"
    NOT_BOUNCE = "not_bounce"


@dataclass(frozen=True)
class Recipient:
    """One address the mail is about; None where it was taken out. ``suppress`` says what policy may do, and does
    nothing: a forged notice looks like a genuine one. ``final`` is False while it is still being tried; ``said`` are
    the words that decided."""

    address: str | None
    cls: ReturnClass | None
    reason: str
    enhanced_code: str | None
    smtp_code: int | None
    suppress: bool | None
    final: bool = True
    said: str = ""

    @classmethod
    def of(
        cls,
        address: str | None,
        found: Verdict,
        code: int | None = None,
        enhanced: str = "",
        *,
        final: bool = True,
        said: str = "",
    ) -> Recipient:
        """Return a recipient with what was found on it."""
        told = " ".join(said.split())[:LONGEST_SAID]
        return cls(address, found.cls, found.reason.value, enhanced or None, code, found.suppress, final, told)


@dataclass(frozen=True)
class Returned:
    """A mail that came in, classified.

    ``message_id`` is that of the mail it answers or returns, without its brackets; ``token`` the message of ours that
    it names by a genuine token, in the address it came to or in that id. ``reason`` says what could not be understood.
    """

    kind: ReturnKind
    recipients: tuple[Recipient, ...] = ()
    message_id: str | None = None
    token: MessageToken | None = None
    reason: str = ""
