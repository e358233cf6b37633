"""Amazon SES tells of bounces by mail, too: one JSON object as the text, where its topic sends to a mailbox."""

from __future__ import annotations

import json
from typing import Any

from app.mail.inbound.parts import Fields

_LONGEST = 200_000
_ACTIONS = {"bounce": "failed", "complaint": "complaint", "delivery": "delivered"}
_PEOPLE = ("bouncedRecipients", "complainedRecipients", "recipients", "delayedRecipients")


def fields_of(text: str) -> list[Fields]:
    """Return the notification as the fields of a delivery report, one group a recipient; none for other text."""
    start = text.find("{")
    if start < 0 or "notificationType" not in text[start : start + _LONGEST]:
        return []
    try:
        told, _ = json.JSONDecoder(strict=False).raw_decode(text[start : start + _LONGEST].replace("!\n ", ""))
    except (ValueError, RecursionError):
        return []
    kind = str(told.get("notificationType", "")).lower() if isinstance(told, dict) else ""
    happened = told.get(kind) if kind in _ACTIONS else None
    if not isinstance(happened, dict):
        return []
    people: list[Any] = next((happened[name] for name in _PEOPLE if isinstance(happened.get(name), list)), [])
    return [_fields(person, happened, _ACTIONS[kind]) for person in people[:100]]


def _fields(person: Any, happened: dict[str, Any], action: str) -> Fields:
    told = person if isinstance(person, dict) else {"emailAddress": person}
    said = told.get("diagnosticCode") or happened.get("smtpResponse") or ""
    return {
        "final-recipient": [f"rfc822; {told.get('emailAddress', '')}"],
        "action": [action],
        "status": [str(told.get("status", ""))],
        "diagnostic-code": [str(said)],
    }
