"""On which terms an address, a domain or a pattern is suppressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from consent.policy.suppression import REASONS

SCOPES = ("all", "brand", "topic")


@dataclass(frozen=True)
class SuppressionTerms:
    """Why, for what and until when; where it comes from, where the proof is, and which of the staff said so."""

    reason: str
    scope: str = "all"
    brand_id: int | None = None
    topic_id: int | None = None
    until: datetime | None = None
    source: str = ""
    evidence: str = ""
    created_by: int | None = None

    def checked(self, now: datetime) -> SuppressionTerms:
        """Return the terms when they hang together. Raises ``InvalidInput`` naming the field."""
        if self.reason not in REASONS:
            raise InvalidInput(f"{self.reason!r} is no reason. Reasons: {', '.join(REASONS)}.", field="reason")
        if self.scope not in SCOPES:
            raise InvalidInput(f"{self.scope!r} is no scope. Scopes: {', '.join(SCOPES)}.", field="scope")
        if (self.brand_id is not None) != (self.scope == "brand"):
            raise InvalidInput(_("Choose the brand for which it holds."), field="brand_id")
        if (self.topic_id is not None) != (self.scope == "topic"):
            raise InvalidInput(_("Choose the topic for which it holds."), field="topic_id")
        if self.until is not None and self.until <= now:
            raise InvalidInput(_("The end lies in the past."), field="until")
        return self
