"""Mail that comes in, parsed and recognised. Pure: it reads no folder and knows no person."""

from __future__ import annotations

from app.mail.inbound.recognise import Inbound, Kind, recognise

__all__ = ["Inbound", "Kind", "recognise"]
