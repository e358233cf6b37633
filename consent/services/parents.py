"""The consent of a parent for a child below the age of consent (GDPR 8(1)–(2)).

The parent is asked first, at the address that the child gave. Only when they agreed is the child's own mailbox asked;
and what is then recorded for the child names the parent's consent as evidence.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import clock
from app.customers.policy import normalise
from consent.models import SignUp
from consent.policy import bombing
from consent.services.sign_up import again, evidence, too_many_rows


def agree(session: Session, row: SignUp, statement: str, ip: str | None, user_agent: str, page: str) -> int | None:
    """Note that the parent agreed to ``statement``, and return the id of the child's own request, to be answered by
    its confirmation mail; None when the child's address was asked about too often."""
    assert row.minor_email is not None
    now, child = clock.now(), normalise(row.minor_email)
    row.confirmed_at = now
    mailbox = bombing.mailbox_key(child.email, child.domain)
    if too_many_rows(session, mailbox):
        return None
    consented = evidence(row.email, ip, user_agent, page) | {"statement": statement, "at": now.isoformat()}
    return again(
        session,
        row,
        email=child.email,
        address_key=child.address_key,
        mailbox_key=mailbox,
        domain=child.domain,
        minor_email=None,
        minor_key=None,
        statements=row.statements | {f"parent_{name}": value for name, value in consented.items()},
    )
