"""Asking for permission: a form is sent in, and one confirmation mail goes to the mailbox, if any.

What the visitor sees and how long it takes is the same for every address: the request is only written down, and a
job decides about the mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Boolean, cast, func, select
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Session

from app.core import clock
from app.core.ids import random_id
from app.core.places import place
from app.customers.policy import Address
from app.customers.queries.contacts import by_address
from consent.models import SignUp, Wording
from consent.policy import bombing, chain
from consent.policy.ladder import Basis, Level
from consent.policy.sources import label
from consent.policy.standing import Action, Actor, Subject
from consent.policy.suppression import NO_SERVICE_MAIL
from consent.queries import unasked
from consent.queries.forms import FormInfo
from consent.queries.suppressions import reasons_against
from consent.services import figures, wordings
from consent.services.ledger import Entry, append, lock

VALID = timedelta(days=7)
KEPT = timedelta(days=30)  # after it ended, for those who come late; then the row is purged
ROWS_A_DAY = 20  # kept of one mailbox: a victim's name must not fill the table


@dataclass(frozen=True)
class Request:
    """What somebody sent in. ``topic_ids`` are of the form; ``fields`` are checked texts; ``notice`` is what the form
    told about the processing, filled in; ``source`` and ``referrer`` are clean (``policy.sources``).
    With a ``minor``, ``address`` is the parent's; ``statements`` become evidence; ``wording_id`` names the
    words that were agreed to, when they are not the form's present ones."""

    form: FormInfo
    address: Address
    topic_ids: tuple[int, ...]
    tracking: bool
    language: str
    ip: str | None
    user_agent: str
    page: str
    source: str = ""
    referrer: str = ""
    notice: str = ""
    most_from_here: int = bombing.IP_REQUESTS
    minor: Address | None = None
    wording_id: int | None = None
    statements: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def request(session: Session, asked: Request) -> int | None:
    """Write a request down and return its id, or None when this place or this address asked too often.

    The caller enqueues ``tasks.answer_sign_up`` for the id and shows the same page either way.
    """
    now = clock.now()
    if asked.ip and from_here(session, asked.ip) >= asked.most_from_here:
        return None
    mailbox = bombing.mailbox_key(asked.address.email, asked.address.domain)
    if too_many_rows(session, mailbox):
        return None
    row = SignUp(
        form_id=asked.form.id,
        brand_id=asked.form.brand_id,
        email=asked.address.email,
        address_key=asked.address.address_key,
        mailbox_key=mailbox,
        domain=asked.address.domain,
        topic_ids=list(asked.topic_ids),
        tracking=asked.tracking,
        language=asked.language,
        nonce=random_id(),
        ip=asked.ip,
        user_agent=asked.user_agent[:400],
        page=asked.page[:400],
        source=asked.source,
        referrer=asked.referrer,
        wordings=_shown(session, asked),
        fields=dict(asked.fields),
        minor_email=asked.minor.email if asked.minor else None,
        minor_key=asked.minor.address_key if asked.minor else None,
        statements=dict(asked.statements),
        created_at=now,
        expires_at=now + VALID,
    )
    session.add(row)
    session.flush()
    count(session, row, submitted=1)
    return row.id


def _shown(session: Session, asked: Request) -> dict[str, int]:
    """Return the wordings that were shown, by kind."""
    kinds = ("consent", "tracking") if asked.tracking else ("consent",)
    texts = {kind: asked.form.wording(kind, asked.language) for kind in kinds}
    shown = {kind: wording.id for kind, wording in texts.items() if wording}
    if asked.wording_id is not None:
        shown["consent"] = asked.wording_id
    if asked.notice:
        shown["notice"] = wordings.ensure(session, asked.form.id, "notice_shown", asked.language, asked.notice)
    return shown


_AGAIN = (
    "form_id brand_id email address_key mailbox_key domain topic_ids tracking language ip user_agent page source"
    " referrer wordings fields minor_email minor_key statements"
).split()


def again(session: Session, row: SignUp, **changes: object) -> int:
    """Write down a further request like ``row`` but for ``changes``, valid from now; return its id."""
    now = clock.now()
    copied = {name: getattr(row, name) for name in _AGAIN} | changes
    fresh = SignUp(**copied, nonce=random_id(), created_at=now, expires_at=now + VALID)
    session.add(fresh)
    session.flush()
    return fresh.id


def count(session: Session, row: SignUp, *, submitted: int = 0, confirmed: int = 0) -> None:
    """Add a request to the figures of its form, on the day it was sent in."""
    source = label(row.source, row.referrer)
    figures.add(session, row.form_id, figures.day_of(row.created_at), source, submitted=submitted, confirmed=confirmed)


def from_here(session: Session, ip: str) -> int:
    """Return how many requests came from one place lately."""
    near = SignUp.ip.op("<<=", return_type=Boolean())(cast(place(ip), INET))
    lately = SignUp.created_at > clock.now() - bombing.IP_SPAN
    return session.scalar(select(func.count()).where(near, lately)) or 0


def too_many_rows(session: Session, mailbox: bytes) -> bool:
    """Tell whether as many requests for a mailbox are kept as one day may bring."""
    lately = SignUp.created_at > clock.now() - timedelta(days=1)
    return (session.scalar(select(func.count()).where(SignUp.mailbox_key == mailbox, lately)) or 0) >= ROWS_A_DAY


@dataclass(frozen=True)
class Mailing:
    """A confirmation mail that is to go out."""

    sign_up_id: int
    nonce: str
    brand_id: int
    email: str
    language: str
    topic_ids: tuple[int, ...]
    asked_at: datetime
    expires_at: datetime
    minor_email: str | None


def answer(session: Session, sign_up_id: int) -> Mailing | None:
    """Decide whether a request gets its mail, and note it in the ledger of somebody who is known.

    Returns None when no mail is to go out: too many lately, no such mailbox, staff said no, or already confirmed.
    Repeating it decides the same.
    """
    row = session.get(SignUp, sign_up_id)
    if row is None:
        return None
    # One decision for an address at a time, or 200 requests at once would each see no mail before theirs.
    lock_address(session, row)
    session.refresh(row)
    if row.confirmed_at is not None:
        return None
    if row.mailed_at is None:
        if not may_mail(session, row):
            return None
        address = Address(row.email, email_key(row), row.address_key, row.domain)
        if reasons_against(session, address) & NO_SERVICE_MAIL:
            return None
        known = by_address(session, address.email_key) if row.minor_email is None else None
        if known is not None:
            lock(session, known.id)  # before the request, as erasure does
        row.mailed_at = clock.now()
        if known is not None:
            row.contact_id = known.id
            note_request(session, row)
        session.flush()
    return mailing_of(row)


def mailing_of(row: SignUp) -> Mailing:
    """Return the mail of a request."""
    return Mailing(
        row.id,
        row.nonce,
        row.brand_id,
        row.email,
        row.language,
        tuple(row.topic_ids),
        row.created_at,
        row.expires_at,
        row.minor_email,
    )


def lock_address(session: Session, row: SignUp) -> None:
    """Let no other decision about this mailbox be made until the transaction ends.

    Whoever needs more locks than one takes this one first, then that of the contact, then those of requests.
    """
    unasked.lock(session, mailbox_key(row))


def may_mail(session: Session, row: SignUp) -> bool:
    """Tell whether one more confirmation mail or reminder may go to the address of a request."""
    key = mailbox_key(row)
    mine, theirs = SignUp.mailbox_key == key, SignUp.domain == row.domain
    asked = bombing.Asked(
        in_pause=unasked.confirmations(session, mine, bombing.PAUSE),
        in_span=unasked.confirmations(session, mine, bombing.SPAN),
        in_day=unasked.to_mailbox(session, key, bombing.DAY),
        to_domain=unasked.confirmations(session, theirs, bombing.DOMAIN_SPAN),
    )
    return bombing.may_mail(asked, row.domain)


def note_request(session: Session, row: SignUp) -> None:
    """Write the request of a known contact into their ledger, one entry a topic."""
    assert row.contact_id is not None
    for topic_id in row.topic_ids:
        entry = Entry(
            Subject.TOPIC,
            Action.REQUEST,
            Actor.SUBSCRIBER,
            topic_id=topic_id,
            level=Level.OPT_IN,
            basis=Basis.CONSENT,
            at=row.created_at,
            expires_at=row.expires_at,
            wording_id=row.wordings.get("consent"),
            language=row.language,
            form_id=row.form_id,
            evidence=evidence_of(session, row, row.ip, row.user_agent, row.page),
        )
        append(session, row.contact_id, entry)


def evidence(email: str, ip: str | None, user_agent: str, page: str) -> dict[str, str]:
    """Return what proves an act on a page."""
    given = {"email": email, "ip": str(ip or ""), "user_agent": user_agent[:400], "page": page[:400]}
    return {name: value.replace("\0", "") for name, value in given.items() if value}


def evidence_of(session: Session, row: SignUp, ip: str | None, user_agent: str, page: str) -> dict[str, str]:
    """Return what proves an act about a request: the act's own circumstances, where the person had come from, and
    which version of the form's notice they had read."""
    told = session.get(Wording, row.wordings.get("notice", 0))
    more = {
        "source": row.source,
        "referrer": row.referrer,
        "notice_version": str(told.version) if told else "",
        "notice_sha256": chain.words_digest(told.kind, told.language, told.version, told.text) if told else "",
        **row.statements,
    }
    return evidence(row.email, ip, user_agent, page) | {name: value for name, value in more.items() if value}


def email_key(row: SignUp) -> str:
    """Return the normalised address of a request."""
    local, _, _domain = row.email.rpartition("@")
    return f"{local.lower()}@{row.domain}"


def mailbox_key(row: SignUp) -> bytes:
    """Return the key of the mailbox of a request."""
    return row.mailbox_key or bombing.mailbox_key(row.email, row.domain)
