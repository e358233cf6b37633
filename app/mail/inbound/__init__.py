"""Mail that comes in, parsed and recognised. Pure: it reads no folder and knows no person.

``recognise`` tells a wish to be unsubscribed from an answer, for the mailbox that people write to. ``classify`` says
all that a mail which came back means: a bounce and of what kind, a complaint, an automatic answer, or one of these two.
"""

from __future__ import annotations

from app.mail.inbound.classify import classify
from app.mail.inbound.recognise import Inbound, Kind, recognise
from app.mail.inbound.returned import Recipient, Returned, ReturnKind

__all__ = ["Inbound", "Kind", "Recipient", "ReturnKind", "Returned", "classify", "recognise"]
