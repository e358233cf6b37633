"""Suppressing addresses, domains and patterns, and lifting what may be lifted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import ARRAY, LargeBinary, cast, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.secrets import address_key as key_of
from app.core.secrets import address_sha256
from consent.models import Suppression
from consent.policy.suppression import LIFTED_BY_OWN_ACT, REASONS, domain_rule, pattern_rule


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
    if reason not in REASONS:
        raise InvalidInput(f"{reason!r} is no reason. Reasons: {', '.join(REASONS)}.", field="reason")
    key = key_of(email_key) if email_key is not None else address_key
    if key is None:
        raise InvalidInput("Give the address that is to be suppressed.", field="address")
    standing = session.scalars(
        select(Suppression)
        .where(
            Suppression.address_key == key,
            Suppression.lifted_at.is_(None),
            Suppression.reason == reason,
            Suppression.scope == scope,
            Suppression.brand_id.is_not_distinct_from(brand_id),
            Suppression.topic_id.is_not_distinct_from(topic_id),
        )
        .with_for_update()
    ).first()
    if standing is not None:
        standing.until = None if until is None or standing.until is None else max(until, standing.until)
        session.flush()
        return standing.id
    row = Suppression(
        kind="address",
        address_key=key,
        sha256=address_sha256(email_key) if email_key is not None else None,
        reason=reason,
        scope=scope,
        brand_id=brand_id,
        topic_id=topic_id,
        source=source,
        until=until,
    )
    session.add(row)
    session.flush()
    return row.id


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


def suppress_rule(session: Session, kind: str, value: str, *, source: str = "") -> int:
    """Suppress a whole ``domain`` or every address of a ``pattern``; return the id. Raises ``InvalidInput``."""
    clean = domain_rule(value) if kind == "domain" else pattern_rule(value)
    known = select(Suppression.id).where(
        Suppression.kind == kind, Suppression.value == clean, Suppression.lifted_at.is_(None)
    )
    found = session.scalar(known)
    if found is not None:
        return found
    row = Suppression(kind=kind, value=clean, reason="manual", source=source)
    session.add(row)
    session.flush()
    return row.id


def lift(session: Session, suppression_id: int, why: str) -> str:
    """Lift a suppression by hand, with the reason kept beside it; return the reason it had been made for.

    What a person asked for (objection, complaint, erasure) is not staff's to lift: only their own confirmed sign-up
    ends it. Raises ``InvalidInput`` or ``NotFound``.
    """
    row = session.get(Suppression, suppression_id, with_for_update=True)
    if row is None or row.lifted_at is not None:
        raise NotFound(_("This suppression does not exist or was lifted already."))
    if row.reason in ("objection", "complaint", "erasure"):
        raise InvalidInput(_("The person asked for this. Only their own confirmed sign-up lifts it."), field="reason")
    if not why.strip():
        raise InvalidInput(_("Say why it is lifted: it is kept with the suppression."), field="reason")
    row.lifted_at = clock.now()
    row.source = f"{row.source} · {why.strip()}".strip(" ·")
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
