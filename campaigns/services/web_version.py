"""The web version of a message, filled as the mail was, with the links of untracked mail."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import clock, links, tokens
from app.core.errors import InvalidToken
from app.core.tokens import Purpose
from app.customers.queries import contacts
from app.mail import mime
from app.mail.merge import Value
from app.mail.skeleton import Skeleton
from campaigns.models import CampaignContent, Message
from campaigns.services.compose import CONTACT_FIELDS, composer
from consent.queries import why as grounds


def web_version(session: Session, campaign_id: int, contact_id: int) -> str:
    """Return the HTML of one message. Raises ``InvalidToken`` when there is no such message (any more).

    Reading it in a browser is recorded nowhere: its links are those of untracked mail. Values are the contact's present
    ones; an erased person's are blank.
    """
    message = session.get(Message, (campaign_id, contact_id))
    content = session.get(CampaignContent, (campaign_id, message.language)) if message else None
    if message is None or content is None or content.untracked_skeleton is None:
        raise InvalidToken()
    permission = tokens.sign_message(Purpose.PERMISSION, campaign_id, contact_id)
    values: dict[str, Value] = {
        "to_address": "you@example.invalid",
        "message_id": "web",
        "date": mime.date_header(clock.now()),
        "unsubscribe_url": links.unsubscribe(permission),
        "preferences_url": links.preferences(permission),
        "view_url": links.view(tokens.sign_message(Purpose.VIEW, campaign_id, contact_id)),
        "stay_url": links.stay(tokens.sign_message(Purpose.STAY, campaign_id, contact_id)),
    }
    said, first = grounds.of_event(session, message.permission_event_id, campaign_id)
    values["why"] = composer(session, campaign_id).why(content.language, said, first=first)
    values |= _of_contact(session, contact_id)
    return Skeleton.from_bytes(content.untracked_skeleton).preview(values).html


def _of_contact(session: Session, contact_id: int) -> dict[str, Value]:
    contact = contacts.contact(session, contact_id)
    values: dict[str, Value] = {f"contact.{name}": getattr(contact, name) for name in CONTACT_FIELDS}
    for name, value in contact.attributes.items():
        values[f"contact.{name}"] = tuple(value) if isinstance(value, list) else value
    return values
