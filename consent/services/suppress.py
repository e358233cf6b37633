"""Suppressing addresses, domains and patterns, and lifting what may be lifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import ARRAY, LargeBinary, and_, cast, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.secrets import address_key as key_of
from app.core.secrets import address_sha256
from app.customers.policy import normalise
from consent.models import Suppression
from consent.policy.suppression import LIFTED_BY_OWN_ACT, REASONS, WANTED_BY_PERSON, domain_rule, pattern_rule
from consent.policy.terms import SuppressionTerms


def suppress_address(
    session: Session,
    *,
    reason: str,
    email_key: str | None = None,
    address_key: bytes | None = None,
    scope: str = "all",
    brand_id: int | None = None,
    topic_id: int | None = None,
    source: str = "",
    until: datetime | None = None,
) -> int:
    """Suppress an address, given in its normalised form or by its key; return the suppression's id.

    The same reason and scope twice is one suppression: the later ``until`` holds, none at all longest.
    """
    terms = SuppressionTerms(reason, scope, brand_id, topic_id, until, source)
    if email_key is None and address_key is None:
        raise InvalidInput("Give the address that is to be suppressed.", field="address")
    return _suppress(session, terms, email_key=email_key, address_key=address_key)


def _suppress(
    session: Session,
    terms: SuppressionTerms,
    *,
    kind: str = "address",
    value: str | None = None,
    email_key: str | None = None,
    address_key: bytes | None = None,
) -> int:
    if terms.reason not in REASONS:
        raise InvalidInput(f"{terms.reason!r} is no reason. Reasons: {', '.join(REASONS)}.", field="reason")
    key = key_of(email_key) if email_key is not None else address_key
    by_value = and_(Suppression.value == value, Suppression.kind == kind)
    same = by_value if key is None else Suppression.address_key == key
    standing = session.scalars(
        select(Suppression)
        .where(
            same,
            Suppression.lifted_at.is_(None),
            Suppression.reason == terms.reason,
            Suppression.scope == terms.scope,
            Suppression.brand_id.is_not_distinct_from(terms.brand_id),
            Suppression.topic_id.is_not_distinct_from(terms.topic_id),
        )
        .with_for_update()
    ).first()
    if standing is not None:
        standing.until = None if terms.until is None or standing.until is None else max(terms.until, standing.until)
        session.flush()
        return standing.id
    row = Suppression(
        kind=kind,
        value=value,
        address_key=key,
        sha256=address_sha256(email_key) if email_key is not None and not _erased(session, key) else None,
        **asdict(terms),
    )
    session.add(row)
    session.flush()
    return row.id


def _erased(session: Session, key: bytes | None) -> bool:
    """Tell whether an address was erased: then no digest of it is kept that lists of addresses would tell."""
    erased = exists().where(
        Suppression.address_key == key, Suppression.lifted_at.is_(None), Suppression.reason == "erasure"
    )
    return bool(session.scalar(select(erased)))


def suppress_addresses(session: Session, address_keys: Sequence[bytes], reason: str, *, source: str = "") -> int:
    """Suppress many addresses for everything and for good, by their keys; return how many were not before."""
    if reason not in REASONS:
        raise InvalidInput(f"{reason!r} is no reason. Reasons: {', '.join(REASONS)}.", field="reason")
    keys = select(func.unnest(cast(list(dict.fromkeys(address_keys)), ARRAY(LargeBinary))).label("key")).subquery()
    standing = exists().where(
        Suppression.address_key == keys.c.key,
        Suppression.lifted_at.is_(None),
        Suppression.until.is_(None),
        Suppression.reason == reason,
        Suppression.scope == "all",
    )
    values = select(literal("address"), keys.c.key, literal(reason), literal(source)).where(~standing)
    columns = ["kind", "address_key", "reason", "source"]
    return len(session.execute(insert(Suppression).from_select(columns, values).returning(Suppression.id)).all())


def by_hand(session: Session, kind: str, value: str, terms: SuppressionTerms) -> int:
    """Suppress an ``address``, a whole ``domain`` or every address of a ``pattern``, given as people write them.

    Returns the suppression's id; the same once more is the same one. Raises ``InvalidInput`` naming the field.
    """
    terms.checked(clock.now())
    if kind == "address":
        try:
            return _suppress(session, terms, email_key=normalise(value).email_key)
        except InvalidInput as error:
            raise InvalidInput(str(error), field="value") from None
    return _suppress(session, terms, kind=kind, value=domain_rule(value) if kind == "domain" else pattern_rule(value))


def lift(session: Session, suppression_id: int, why: str, *, lifted_by: int | None = None) -> str:
    """Lift a suppression by hand, with the reason kept beside it; return the reason it had been made for.

    What a person asked for (objection, complaint, erasure) is not staff's to lift: only their own confirmed sign-up
    ends it. Raises ``InvalidInput`` or ``NotFound``.
    """
    row = session.get(Suppression, suppression_id, with_for_update=True)
    if row is None or row.lifted_at is not None:
        raise NotFound(_("This suppression does not exist or was lifted already."))
    if row.reason in WANTED_BY_PERSON:
        raise InvalidInput(_("The person asked for this. Only their own confirmed sign-up lifts it."), field="reason")
    if not why.strip():
        raise InvalidInput(_("Say why it is lifted: it is kept with the suppression."), field="reason")
    row.lifted_at, row.lifted_by, row.lifted_why = clock.now(), lifted_by, why.strip()
    session.flush()
    return row.reason


def lift_by_own_act(session: Session, address_key: bytes, topic_ids: list[int], brand_id: int) -> None:
    """Lift what a person's own confirmed sign-up ends, as far as it covers what they signed up for."""
    covers = or_(
        Suppression.scope == "all",
        Suppression.brand_id == brand_id,
        Suppression.topic_id.in_(topic_ids),
    )
    session.execute(
        update(Suppression)
        .where(
            Suppression.address_key == address_key,
            Suppression.lifted_at.is_(None),
            Suppression.reason.in_(LIFTED_BY_OWN_ACT),
            covers,
        )
        .values(lifted_at=clock.now())
    )
