"""Send one message now and say what came of it (system mails, test sends)."""

from __future__ import annotations

import re
from dataclasses import replace

from app.mail.errors import DeliveryDeferred, DeliveryRefused, RelayError
from app.mail.mime import envelope_address
from app.mail.smtp.messages import Kind, Outcome, Outgoing
from app.mail.smtp.relay import Relay
from app.mail.smtp.reply import Reply
from app.mail.smtp.sender import Sender

_BARE = re.compile(rb"\r\n|\r|\n")


def wire_data(message: bytes) -> bytes:
    """Return any message ready for the wire: CRLF line ends, dots stuffed (RFC 5321 §4.5.2), CRLF at the end."""
    crlf = _BARE.sub(b"\r\n", message)
    if not crlf.endswith(b"\r\n"):
        crlf += b"\r\n"
    stuffed = crlf.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def send_one(relay: Relay, mail_from: str, rcpt_to: str, message: bytes, *, timeout: float = 30.0) -> Reply:
    """Hand one message to the relay and return its reply. An empty ``mail_from`` is the null sender.

    Raises DeliveryRefused (5xx), DeliveryDeferred (4xx, no connection, no answer; try later) and AddressRefused.
    """
    sender_address = envelope_address(mail_from) if mail_from else ""
    outgoing = Outgoing(0, sender_address, envelope_address(rcpt_to), (wire_data(message),))
    outcomes: list[Outcome] = []
    patient = replace(relay, timeout=timeout, final_timeout=max(timeout, 60.0))
    with Sender(patient, 1, before_final=lambda _key: None, on_outcome=outcomes.append) as sender:
        try:
            sender.run(iter([outgoing]))
        except RelayError as error:
            raise DeliveryDeferred(str(error)) from error
    outcome = outcomes[0]
    if outcome.kind is Kind.SENT:
        return Reply(outcome.code, outcome.text)
    text = f"The relay {relay.name} answered {outcome.code} {outcome.text}" if outcome.code else outcome.text
    kind = DeliveryRefused if outcome.kind is Kind.FAILED else DeliveryDeferred
    raise kind(text, code=outcome.code, enhanced=outcome.enhanced)
