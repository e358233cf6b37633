"""Sending one of a brand's system mails, outside any transaction."""

from __future__ import annotations

from dataclasses import dataclass

from app.brands.queries import brands, sending
from app.core import clock, log
from app.core.db import unit_of_work
from app.core.ids import random_id
from app.mail.compose import MailingList, SystemMail, SystemSender, compose
from app.mail.dkim import Signer
from app.mail.errors import DeliveryRefused
from app.mail.merge import Values
from app.mail.smtp import Relay, send_one

logger = log.get("consent")


@dataclass(frozen=True)
class Listed:
    """The topic that a mail is of: its name in addresses, and what people call it."""

    label: str
    name: str


def post(
    name: SystemMail, brand_id: int, to_address: str, language: str, values: Values, listed: Listed | None = None
) -> None:
    """Write a mail in the brand's name and hand it to its relay. A mailbox that refuses it for good ends the matter;
    what else goes wrong raises, and the job is tried again. ``listed`` makes it mail of a topic, with the
    headers to unsubscribe by."""
    with unit_of_work() as session:
        brand = brands.brand(session, brand_id)
        identity = sending.default_identity(session, brand_id)
        relay = sending.relay(session, brand_id)
    sender = SystemSender(
        from_address=identity.from_email,
        from_name=identity.from_name,
        message_id_domain=identity.domain,
        brand_name=brand.name,
        postal_address=brand.postal_address,
        reply_to=identity.reply_to,
        colour=brand.colour,
    )
    mail = compose(
        name,
        language,
        sender=sender,
        to_address=to_address,
        values=values,
        message_id=random_id(),
        now=clock.now(),
        signer=Signer(identity.private_key_pem, identity.domain, identity.selector),
        listed=MailingList(f"{listed.label}.{brand.slug}.{identity.domain}", listed.name) if listed else None,
    )
    try:
        send_one(Relay.from_url(relay.url), f"system@{identity.return_path_domain}", to_address, mail.data)
    except DeliveryRefused as refused:
        logger.info("system_mail_refused", mail=name, code=refused.code, enhanced=refused.enhanced)
