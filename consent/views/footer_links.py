"""What the pages behind a mail's footer share: whose mail it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.accounts.views import language
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import tokens
from app.core.errors import InvalidToken
from app.customers.queries.contacts import contact
from consent.services.withdraw import MailContext, context

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class FooterLink:
    """A genuine permission link: which campaign and contact, the mail it was in, and the brand that sent it.

    Behind a fresh link to the mailbox there is no mail: then ``campaign_id`` is None, and ``mail`` names the brand.
    """

    campaign_id: int | None
    contact_id: int
    mail: MailContext
    brand: BrandInfo


def follow(session: Session, token: str) -> FooterLink:
    """Return what a permission link names, and show the page in the contact's language. Raises ``InvalidToken``."""
    named = tokens.read_message(tokens.Purpose.PERMISSION, token)
    mail = context(session, named.campaign_id, named.contact_id)
    if mail is None:
        raise InvalidToken()
    language.use(contact(session, named.contact_id).language or mail.language)
    return FooterLink(named.campaign_id, named.contact_id, mail, brands.brand(session, mail.brand_id))
