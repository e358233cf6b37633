"""What goes in and comes out of the sender."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.mail.replies import BounceClass


class Kind(StrEnum):
    """What became of a message."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    NOT_TRIED = "not_tried"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to hand over. ``data`` is ready for the wire: CRLF lines, none starting with a dot, CRLF at the end."""

    key: Hashable
    mail_from: str
    rcpt_to: str
    data: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Wait:
    """A source yields this when nothing may be sent now: ask again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the message ``key``. ``code`` is 0 where no reply decided it."""

    key: Hashable
    kind: Kind
    code: int
    enhanced: str
    text: str
    bounce: BounceClass | None
    at: datetime
