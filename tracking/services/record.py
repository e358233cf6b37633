"""Storing hits as events: who may not be tracked is dropped here, what the client is gets derived, the rest is gone.

One call is one batch, copied in the caller's transaction; the folder counts it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, and_, bindparam, column, func, or_, select, text
from sqlalchemy.orm import Session

from app.brands.queries.brands import all_brands
from app.core import clock, db
from app.customers.queries.contacts import contact_table
from campaigns.queries.responses import campaign_table, message_table
from consent.queries.permissions import tracking_table
from tracking.models import EventBatch
from tracking.policy.hits import Hit
from tracking.policy.rows import binary_rows

MAX_BATCH = 1 << 20  # an event's id has 20 bits for its place in the batch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COPY = """COPY event (at, id, batch_id, campaign_id, classifier, contact_id, link_n, delay_s, kind, method,
    agent_family, network_class, device, hint, label, label_reason) FROM STDIN (FORMAT binary)"""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Stored:
    """What became of hits: ``batch_id`` is None when nothing was kept."""

    batch_id: int | None
    kept: int
    dropped: int


def store(session: Session, hits: Sequence[Hit]) -> Stored:
    """Copy ``hits`` (at most 2**20) into ``event`` as one batch, without those of people who may not be tracked."""
    assert len(hits) <= MAX_BATCH
    sent = permitted(session, {(hit.campaign_id, hit.contact_id) for hit in hits if hit.contact_id})
    campaigns = _existing(session, {hit.campaign_id for hit in hits if not hit.contact_id})
    kept = [
        hit
        for hit in hits
        if ((hit.campaign_id, hit.contact_id) in sent if hit.contact_id else hit.campaign_id in campaigns)
    ]
    if not kept:
        return Stored(None, 0, len(hits))
    first = _moment(min(hit.at_us for hit in kept))
    last = _moment(max(hit.at_us for hit in kept))
    _ensure_partitions(session, first, last)
    batch = EventBatch(rows=len(kept), first_at=first, last_at=last, drained_at=clock.now())
    session.add(batch)
    session.flush()
    with db.driver(session).cursor().copy(_COPY) as copy:
        for block in binary_rows(kept, batch.id, sent):
            copy.write(block)
    return Stored(batch.id, len(kept), len(hits) - len(kept))


def permitted(session: Session, pairs: set[Pair]) -> dict[Pair, datetime | None]:
    """Return, for those of ``pairs`` (campaign, contact) that may be recorded, when their message was sent.

    May be recorded: the message carried tracking, and the person has not since withdrawn that permission, objected
    to marketing or been erased, under whatever number. A message that does not exist is not in the answer.
    """
    if not pairs:
        return {}
    message, campaign, contact, tracking = message_table(), campaign_table(), contact_table(), tracking_table()
    by_default = [brand.id for brand in all_brands(session) if brand.tracking_default]
    wanted = (
        func.unnest(
            bindparam("campaigns", [pair[0] for pair in pairs], ARRAY(Integer)),
            bindparam("contacts", [pair[1] for pair in pairs], ARRAY(BigInteger)),
        )
        .table_valued(column("campaign_id", Integer), column("contact_id", BigInteger), name="wanted")
        .render_derived()
    )
    of_message = and_(message.c.campaign_id == wanted.c.campaign_id, message.c.contact_id == wanted.c.contact_id)
    of_tracking = and_(tracking.c.contact_id == message.c.contact_id, tracking.c.brand_id == campaign.c.brand_id)
    rows = session.execute(
        select(message.c.campaign_id, message.c.contact_id, message.c.sent_at)
        .select_from(wanted)
        .join(message, of_message)
        .join(campaign, campaign.c.id == message.c.campaign_id)
        .join(contact, contact.c.id == message.c.contact_id)
        .outerjoin(tracking, of_tracking)
        .where(
            message.c.tracked,
            or_(
                tracking.c.granted,
                and_(tracking.c.granted.is_(None), campaign.c.brand_id.in_(by_default)),
            ),
            contact.c.objected_at.is_(None),
            contact.c.erased_at.is_(None),
            ~_refused_elsewhere(campaign.c.brand_id),
        )
    )
    return {(campaign_id, contact_id): sent_at for campaign_id, contact_id, sent_at in rows}


def _refused_elsewhere(brand_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether a contact merged with a row of ``contact_table()`` objected or refused to be tracked."""
    contact, tracking = contact_table(), tracking_table().alias("other_tracking")
    other = contact.alias("other")
    together = or_(other.c.id == contact.c.merged_into, other.c.merged_into.in_((contact.c.id, contact.c.merged_into)))
    refusals = (
        select(other.c.id)
        .select_from(other)
        .outerjoin(tracking, and_(tracking.c.contact_id == other.c.id, tracking.c.brand_id == brand_id))
        .where(together, other.c.id != contact.c.id)
        .where(or_(other.c.objected_at.is_not(None), tracking.c.granted.is_(False)))
    )
    return refusals.correlate_except(other, tracking).exists()


def _existing(session: Session, ids: set[int]) -> set[int]:
    campaign = campaign_table()
    return set(session.scalars(select(campaign.c.id).where(campaign.c.id.in_(ids)))) if ids else set()


def _ensure_partitions(session: Session, first: datetime, last: datetime) -> None:
    session.execute(
        text(
            "SELECT ensure_event_partition(month) FROM generate_series("
            " date_trunc('month', CAST(:first AS timestamptz), 'UTC'), CAST(:last AS timestamptz), '1 month') AS month"
        ),
        {"first": first, "last": last},
    )


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)
