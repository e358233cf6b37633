"""The job that answers a sign-up with its confirmation mail."""

from __future__ import annotations

from babel.dates import format_date

from app.brands.queries import brands, sending
from app.brands.queries.sending import SendingIdentity
from app.core import clock, links, log
from app.core.db import unit_of_work
from app.core.ids import random_id
from app.core.jobs import Queue, job
from app.mail.compose import SystemSender, compose
from app.mail.dkim import Signer
from app.mail.errors import DeliveryRefused
from app.mail.smtp import Relay, send_one
from consent.queries import topics
from consent.services import sign_up
from consent.services.confirm import token_for
from consent.services.sign_up import VALID, Mailing

logger = log.get("consent")


# For about a day: who signs up while the relay is away may not ask again for half of one.
@job("consent.answer_sign_up", queue=Queue.SYSTEM, attempts=75)
def answer_sign_up(sign_up_id: int) -> None:
    """Send the confirmation mail of a sign-up, unless it is not to have one. May send it twice after a crash."""
    with unit_of_work() as session:
        mailing = sign_up.answer(session, sign_up_id)
        if mailing is None:
            return
        brand = brands.brand(session, mailing.brand_id)
        identity = sending.default_identity(session, mailing.brand_id)
        relay = sending.relay(session, mailing.brand_id)
        names = tuple(topics.topic(session, topic_id).name(mailing.language) for topic_id in mailing.topic_ids)
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
        "confirm",
        mailing.language,
        sender=sender,
        to_address=mailing.email,
        values={
            "confirm_url": _url(mailing),
            "topics": names,
            "expires": format_date(clock.now() + VALID, "long", locale=mailing.language),
        },
        message_id=random_id(),
        now=clock.now(),
        signer=_signer(identity),
    )
    try:
        send_one(Relay.from_url(relay.url), f"system@{identity.return_path_domain}", mailing.email, mail.data)
    except DeliveryRefused as refused:
        # The mailbox is not there: nobody confirms, and the request ends by itself.
        logger.info("confirmation_refused", sign_up_id=sign_up_id, code=refused.code, enhanced=refused.enhanced)


def _url(mailing: Mailing) -> str:
    return links.confirm(token_for(mailing.sign_up_id, mailing.nonce))


def _signer(identity: SendingIdentity) -> Signer:
    return Signer(identity.private_key_pem, identity.domain, identity.selector)
