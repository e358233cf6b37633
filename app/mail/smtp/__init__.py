"""SMTP: relays, the pipelined sender, and sending one message."""

from app.mail.replies import BounceClass
from app.mail.smtp.messages import Kind, Outcome, Outgoing, Wait
from app.mail.smtp.relay import Relay, Security
from app.mail.smtp.reply import Reply
from app.mail.smtp.sender import Sender
from app.mail.smtp.simple import send_one, wire_data

__all__ = [
    "BounceClass",
    "Kind",
    "Outcome",
    "Outgoing",
    "Relay",
    "Reply",
    "Security",
    "Sender",
    "Wait",
    "send_one",
    "wire_data",
]
