"""Confirming a sign-up by the button behind its mail (double opt-in, BGH I ZR 164/09: all of it is stored)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, tokens
from app.core.errors import InvalidToken
from app.customers.policy.origins import Origin
from app.customers.queries.contacts import by_address, contact
from app.customers.services import merging
from app.customers.services.contacts import find_or_create
from consent.models import SignUp
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.queries import forms
from consent.services import parents, pause
from consent.services.ledger import Entry, append
from consent.services.ledger import lock as lock_contact
from consent.services.merging import stand_alone
from consent.services.sign_up import (
    KEPT,
    VALID,
    again,
    count,
    email_key,
    evidence_of,
    lock_address,
    mailbox_key,
    note_request,
    too_many_rows,
)
from consent.services.suppress import lift_by_own_act


@dataclass(frozen=True)
class Visit:
    """Where an act on a public page came from."""

    ip: str | None
    user_agent: str
    page: str


@dataclass(frozen=True)
class Pending:
    """What a confirmation page shows. ``others`` are topics asked for in further requests that got no mail of their
    own: they may be ticked, too. ``done`` tells that this sign-up was confirmed already."""

    sign_up_id: int
    brand_id: int
    email: str
    language: str
    topic_ids: tuple[int, ...]
    tracking: bool
    others: tuple[int, ...]
    done: bool
    form_id: int
    minor_email: str | None


def token_for(sign_up_id: int, nonce: str) -> str:
    """Return the token of a confirmation mail."""
    return tokens.sign_timed(tokens.Purpose.CONFIRM, {"s": sign_up_id, "n": nonce})


def _row(session: Session, token: str, *, late: bool = False, lock: bool = False) -> SignUp:
    span = VALID + KEPT if late else VALID
    payload = tokens.read_timed(tokens.Purpose.CONFIRM, token, max_age=int(span.total_seconds()))
    row = session.get(SignUp, payload.get("s"), with_for_update=lock, populate_existing=lock)
    if row is None or row.nonce != payload.get("n"):
        raise InvalidToken()
    if not late and row.confirmed_at is None and row.expires_at <= clock.now():
        raise InvalidToken(expired=True)
    return row


def pending(session: Session, token: str) -> Pending:
    """Return what the page shows. Raises ``InvalidToken``; ``expired`` tells that a fresh link can be offered."""
    row = _row(session, token)
    return Pending(
        sign_up_id=row.id,
        brand_id=row.brand_id,
        email=row.email,
        language=row.language,
        topic_ids=tuple(row.topic_ids),
        tracking=row.tracking,
        others=tuple(topic_id for other in _others(session, row) for topic_id in other.topic_ids),
        done=row.confirmed_at is not None,
        form_id=row.form_id,
        minor_email=row.minor_email,
    )


def _others(session: Session, row: SignUp) -> list[SignUp]:
    """Further open requests for the same address and brand, one for each topic that this one lacks."""
    if row.minor_email is not None:
        return []
    query = (
        select(SignUp)
        .where(
            SignUp.address_key == row.address_key,
            SignUp.brand_id == row.brand_id,
            SignUp.id != row.id,
            SignUp.minor_email.is_(None),
            SignUp.confirmed_at.is_(None),
            SignUp.expires_at > clock.now(),
        )
        .order_by(SignUp.id.desc())
        .limit(20)
    )
    seen, found = set(row.topic_ids), []
    for other in session.scalars(query):
        if set(other.topic_ids).isdisjoint(seen):
            seen |= set(other.topic_ids)
            found.append(other)
    return found


def confirm(session: Session, token: str, visit: Visit, *, also: Iterable[int] = ()) -> list[int]:
    """Grant, at level ``confirmed``, every topic of the sign-up and those of ``also`` that were asked for as well.

    Returns the ids of all topics granted; an empty list when this link was used before: then nothing changes, so
    that an old mail cannot undo a later withdrawal. Raises ``InvalidToken``.
    """
    _lock_holder(session, _row(session, token))
    row = _row(session, token, lock=True)
    if row.confirmed_at is not None or row.minor_email is not None:
        return []
    ticked = set(also)
    wanted = {row: list(row.topic_ids)}
    for other in _others(session, row):
        if chosen := [topic_id for topic_id in other.topic_ids if topic_id in ticked]:
            wanted[other] = chosen
    contact_id = _holder(session, row)
    stand_alone(session, contact_id)
    granted = [topic_id for topic_ids in wanted.values() for topic_id in topic_ids]
    _reopen(session, contact_id, row, granted)
    for sign_up, topic_ids in wanted.items():
        if sign_up.contact_id != contact_id:
            sign_up.contact_id = contact_id
            note_request(session, sign_up)
        _grant(session, sign_up, topic_ids, contact_id, visit)
        if len(topic_ids) == len(sign_up.topic_ids):
            sign_up.confirmed_at = clock.now()
            count(session, sign_up, confirmed=1)
    if row.tracking:  # what the other requests say of tracking was not on the page
        _grant_tracking(session, row, contact_id, visit)
    if row.fields:
        find_or_create(session, row.email, (Origin.FORM, row.form_id), **row.fields)
    session.flush()
    return granted


def agree_as_parent(session: Session, token: str, visit: Visit, statement: str) -> int | None:
    """Take the consent of the parent behind a link; returns the id of the child's own request, or None when there is
    nothing to do any more. Raises ``InvalidToken``."""
    row = _row(session, token, lock=True)
    if row.confirmed_at is not None or row.minor_email is None:
        return None
    return parents.agree(session, row, statement, visit.ip, visit.user_agent, visit.page)


def _holder(session: Session, row: SignUp) -> int:
    """Return the contact who has the address that was written to: a button in a mailbox speaks for that one alone."""
    if row.contact_id is not None and contact(session, row.contact_id).address_key == row.address_key:
        return row.contact_id
    return find_or_create(session, row.email, language=row.language, source=forms.form(session, row.form_id).name)


def _lock_holder(session: Session, row: SignUp) -> None:
    """Lock the address, and the contact who has it if there is one, before the request: erasure takes the latter two
    in this order, and in another each would wait for the other."""
    lock_address(session, row)
    known = by_address(session, email_key(row))
    if known is not None:
        if known.merged_into is not None:
            merging.serialise(session)  # before the row: a merge locks in this order, too
        lock_contact(session, known.id)


def _reopen(session: Session, contact_id: int, row: SignUp, topic_ids: list[int]) -> None:
    """The person's own confirmed act ends their objection, complaint, pause, and suppressions that stood for them."""
    person = contact(session, contact_id)
    if person.objected_at is not None or person.complained_at is not None:
        append(session, contact_id, Entry(Subject.MARKETING, Action.CONFIRM, Actor.SUBSCRIBER, form_id=row.form_id))
    lift_by_own_act(session, row.address_key, topic_ids, row.brand_id)
    # Who asks for more does not want silence.
    pause.resume(session, contact_id, row.brand_id, actor=Actor.SUBSCRIBER)


def _grant(session: Session, row: SignUp, topic_ids: list[int], contact_id: int, visit: Visit) -> None:
    proof = evidence_of(session, row, visit.ip, visit.user_agent, visit.page)
    for topic_id in topic_ids:
        entry = Entry(
            Subject.TOPIC,
            Action.CONFIRM,
            Actor.SUBSCRIBER,
            topic_id=topic_id,
            level=Level.CONFIRMED,
            basis=Basis.CONSENT,
            wording_id=row.wordings.get("consent"),
            language=row.language,
            form_id=row.form_id,
            evidence=proof,
        )
        append(session, contact_id, entry)


def _grant_tracking(session: Session, row: SignUp, contact_id: int, visit: Visit) -> None:
    entry = Entry(
        Subject.TRACKING,
        Action.CONFIRM,
        Actor.SUBSCRIBER,
        brand_id=row.brand_id,
        level=Level.CONFIRMED,
        basis=Basis.CONSENT,
        wording_id=row.wordings.get("tracking"),
        language=row.language,
        form_id=row.form_id,
        evidence=evidence_of(session, row, visit.ip, visit.user_agent, visit.page),
    )
    append(session, contact_id, entry)


def renew(session: Session, token: str, visit: Visit) -> int | None:
    """Ask again for what an expired link was about; returns the id of the new sign-up, for the job that mails it.

    None when there is nothing to renew; the visitor sees the same either way. Raises ``InvalidToken`` when forged.
    """
    try:
        row = _row(session, token, late=True)
    except InvalidToken as error:
        if error.expired:
            return None
        raise
    if row.confirmed_at is not None or too_many_rows(session, mailbox_key(row)):
        return None
    return again(session, row, ip=visit.ip, user_agent=visit.user_agent[:400], page=visit.page[:400])
