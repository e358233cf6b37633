"""Forgetting people whom nobody heard from for the legal time (storage limitation, GDPR 5(1)(e)).

CNIL, référentiel « gestion commerciale » (2022): prospects' data may be kept for three years from their collection or
the last contact that came from the prospect: a click counts, merely opening a mail does not. Customers' data may serve
marketing for three years after the end of the relation, and accounts are kept for ten (Code de commerce, L123-22).

A purge is no erasure on request: nobody said no, so whoever signs up again later is simply new. What people did refuse
must outlive them here: objections, complaints and bounces stand by key already, withdrawals become suppressions of
their topics.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, FromClause, Select, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from app.customers.queries.contacts import contact, contact_table, profile_table
from app.customers.queries.merging import person as person_of
from consent.models import PermissionEvent, PrivacyRequest, SignUp
from consent.policy.ladder import State
from consent.policy.standing import Action, Actor, Subject
from consent.queries import permissions, topics
from consent.queries.covering import folded, under_another
from consent.services.erase import address_keys, end_permissions, forget
from consent.services.ledger import Entry, append, lock
from consent.services.suppress import suppress_address

PROSPECT_MONTHS = 36
CUSTOMER_MONTHS = 120
SOURCE = "purge"

# What somebody said or did themselves, whoever wrote it down: an import states the person's act and when it was.
_ACTS = (
    Action.REQUEST,
    Action.GRANT,
    Action.CONFIRM,
    Action.WITHDRAW,
    Action.OBJECT,
    Action.COMPLAIN,
    Action.PAUSE,
    Action.RESUME,
)


def prospects(now: datetime, months: int) -> Select[int]:
    """Return a SELECT of the contacts who never bought and gave no sign for ``months``."""
    return _silent(now, months, customer=False)


def customers(now: datetime, months: int) -> Select[int]:
    """Return a SELECT of the contacts who bought once and neither bought nor gave another sign for ``months``."""
    return _silent(now, months, customer=True)


def _bought(person: FromClause) -> ColumnElement[bool]:
    done = profile_table()
    return exists().where(done.c.contact_id == person.c.id, done.c.ordered_at.is_not(None)).correlate_except(done)


def _silent(now: datetime, months: int, customer: bool) -> Select[int]:
    """People of a kind whose last act, under any number, lies before the period. Calendar months, as the law counts."""
    person, since = contact_table(), cast(now, DateTime(timezone=True)) - func.make_interval(0, months)
    bought = or_(_bought(person), under_another(_bought(folded)))
    return select(person.c.id).where(
        person.c.erased_at.is_(None),
        person.c.merged_into.is_(None),
        bought if customer else ~bought,
        or_(person.c.created_at <= since, exists().where(_acts_of(person))),
        ~_sign_of(person, since),
        ~under_another(or_(_sign_of(folded, since), folded.c.created_at > since)),
    )


def _acts_of(person: FromClause) -> ColumnElement[bool]:
    return and_(
        PermissionEvent.contact_id == person.c.id,
        PermissionEvent.actor != Actor.SYSTEM.value,
        PermissionEvent.action.in_([action.value for action in _ACTS]),
    )


def _sign_of(person: FromClause, since: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return whether a contact gave a sign since then: an act, a click, an order, a sign-up, a request."""
    done = profile_table()
    # Who asked for something lately, or still waits for an answer, is not silent.
    asked = or_(PrivacyRequest.received_at > since, PrivacyRequest.closed_at.is_(None))
    responded = or_(done.c.clicked_at > since, done.c.ordered_at > since)
    signs = (
        exists().where(_acts_of(person), PermissionEvent.at > since).correlate_except(PermissionEvent),
        exists().where(done.c.contact_id == person.c.id, responded).correlate_except(done),
        exists().where(SignUp.address_key == person.c.address_key, SignUp.created_at > since).correlate_except(SignUp),
        exists().where(PrivacyRequest.contact_id == person.c.id, asked).correlate_except(PrivacyRequest),
    )
    return or_(*signs)


def purge(session: Session, contact_ids: list[int]) -> None:
    """Forget these contacts for good: all that is personal, in every room; the chain of the ledger stays whole."""
    for contact_id in contact_ids:
        for number in person_of(session, contact_id):
            _, erased = lock(session, number)
            if not erased:
                _purge(session, number)


def _purge(session: Session, contact_id: int) -> None:
    keys = address_keys(session, contact_id)
    _keep_refusals(session, contact_id, keys)
    end_permissions(session, contact_id, Actor.SYSTEM, None)
    append(session, contact_id, Entry(Subject.CONTACT, Action.ERASE, Actor.SYSTEM))
    forget(session, contact_id, keys)


def _keep_refusals(session: Session, contact_id: int, keys: list[bytes]) -> None:
    """Have what the person refused hold for their addresses, by key alone."""
    person = contact(session, contact_id)
    reasons = [("objection", person.objected_at), ("complaint", person.complained_at)]
    for key in keys:
        for reason, at in reasons:
            if at is not None:
                suppress_address(session, address_key=key, reason=reason, source=SOURCE)
        for topic_id, standing in permissions.of_contact(session, contact_id).items():
            if standing.state is State.WITHDRAWN:
                brand_id = topics.topic(session, topic_id).brand_id
                suppress_address(
                    session,
                    address_key=key,
                    reason="objection",
                    scope="topic",
                    brand_id=brand_id,
                    topic_id=topic_id,
                    source=SOURCE,
                )
