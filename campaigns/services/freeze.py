"""Freeze a launched campaign: compile its content, number its links, and store every member of its audience.

All of it happens in one transaction, so a launch either stands whole or has not happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Subquery,
    Text,
    Values,
    case,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    table,
    text,
    values,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.brands.queries import sending
from app.core import clock
from app.customers.queries.contacts import contact_table
from app.mail.providers import DOMAINS, GROUPS, OTHER, group_of
from campaigns.models import Campaign, CampaignContent, CampaignLink, Lane, Message
from campaigns.policy import WAITING, CampaignAct, CampaignKind, CampaignStatus, MessageState, next_status
from campaigns.queries.audience import members
from campaigns.services.compose import Composer, composer, renumbered
from campaigns.services.partitions import analyse, ensure
from campaigns.services.pumping import settle
from campaigns.services.waves import release
from consent.queries import gates


@dataclass(frozen=True)
class Frozen:
    """How large the audience is, and how many of it will be tried."""

    members: int
    queued: int


def freeze(session: Session, campaign_id: int) -> Frozen | None:
    """Compile content, store the audience and let the campaign send. None when it is not being launched (any more).

    Raises a ``UserError`` when content or segments have become unusable since they were checked.
    """
    campaign = session.get_one(Campaign, campaign_id, with_for_update=True)
    if campaign.status != CampaignStatus.LAUNCHING:
        return None
    composed = composer(session, campaign_id)
    languages = _compile(session, composed)
    campaign.relay_id = sending.relay(session, campaign.brand_id).id
    ensure(session, campaign_id)
    _store(session, campaign, languages, composed.brand.language)
    analyse(session, campaign_id)
    queued = session.scalar(select(func.count()).where(Message.campaign_id == campaign_id, Message.state.in_(WAITING)))
    everybody = session.scalar(select(func.count()).where(Message.campaign_id == campaign_id))
    campaign.status = next_status(CampaignStatus(campaign.status), CampaignAct.FROZEN)
    campaign.launched_at, campaign.problem = clock.now(), None
    session.flush()
    if campaign.kind == CampaignKind.REPERMISSION:
        release(session, campaign)
    settle(session, campaign_id)
    return Frozen(everybody or 0, queued or 0)


def _compile(session: Session, composed: Composer) -> list[str]:
    """Compile the content of each language, links numbered through; return the languages."""
    session.execute(delete(CampaignLink).where(CampaignLink.campaign_id == composed.campaign_id))
    contents = session.scalars(
        select(CampaignContent)
        .where(CampaignContent.campaign_id == composed.campaign_id)
        .order_by(CampaignContent.language)
    ).all()
    number = 0
    for content in contents:
        design = composed.design(content.language, content.mjml, content.preheader)
        design = renumbered(design, number)
        both = composed.skeletons(content.language, content.subject, design)
        content.skeleton, content.untracked_skeleton = both.tracked.to_bytes(), both.untracked.to_bytes()
        session.add_all(
            CampaignLink(
                campaign_id=composed.campaign_id,
                n=link.number,
                url=link.url,
                label=link.label,
                pieces=[*link.pieces],
                category=link.category,
            )
            for link in design.links
        )
        number += len(design.links)
    session.flush()
    return [content.language for content in contents]


# For statements over everybody. All suppressions may be hashed in memory; compiling (JIT) would take longer than it
# saves; what is read in the order of contacts lies nearly in that order, so to hop costs little more than to read on.
SETTINGS = ("work_mem = '64MB'", "jit = off", "random_page_cost = 1.1")

# A scratch table of one transaction.
_people = table("frozen_people", column("contact_id", BigInteger), column("shut", Text))
_SCRATCH = "CREATE TEMPORARY TABLE frozen_people (contact_id bigint NOT NULL, shut text) ON COMMIT DROP"


def _store(session: Session, campaign: Campaign, languages: Sequence[str], default_language: str) -> None:
    """Store one message for each member: skipped with its first shut gate, or queued."""
    for setting in SETTINGS:
        session.execute(text(f"SET LOCAL {setting}"))
    session.execute(text(_SCRATCH))
    session.execute(insert(_people).from_select(["contact_id", "shut"], members(session, campaign.id)))
    session.execute(text("ANALYZE frozen_people"))
    lanes, other = _lanes(session, campaign.relay_id or 0)
    asked = asked_of(_people, campaign.topic_id, campaign.brand_id)
    shut = func.coalesce(asked.c.shut, asked.c.gate)
    # Whom a re-permission campaign asks waits, without a time, for a wave (services.waves).
    asks = campaign.kind == CampaignKind.REPERMISSION
    fresh = MessageState.DEFERRED if asks else MessageState.QUEUED
    row = {
        "campaign_id": literal(campaign.id),
        "contact_id": asked.c.contact_id,
        "state": case((shut.is_(None), fresh.value), else_=MessageState.SKIPPED.value),
        "reason": shut,
        "permission_event_id": asked.c.event_id,
        "language": _language(asked.c.language, languages, default_language),
        "tracked": asked.c.tracked,
        "address_key": asked.c.address_key,
        "lane_id": func.coalesce(lanes.c.lane_id, other),
    }
    rows = select(*(value.label(name) for name, value in row.items()))
    rows = rows.outerjoin_from(asked, lanes, lanes.c.domain == asked.c.domain)
    session.execute(insert(Message).from_select(list(row), rows))


def asked_of(people: FromClause, topic_id: int, brand_id: int) -> Subquery:
    """Return what a launch reads of ``people`` (contact_id, shut): the columns of ``gates`` and those of messages.

    In the order of contacts, for rows that are claimed together shall lie together; and because people, contacts and
    permissions are then merged as their indexes have them, which takes half as long as hashing them. OFFSET keeps
    PostgreSQL from asking all gates anew wherever their answer is named.
    """
    contact = contact_table()
    asked = gates.gates(topic_id, brand_id, clock.now(), people)
    asked = asked.add_columns(people.c.shut, contact.c.language, contact.c.domain)
    return asked.order_by(people.c.contact_id).offset(0).subquery("asked")


def _lanes(session: Session, relay_id: int) -> tuple[Values, int]:
    """Return (domain, lane_id) of the domains whose lane is known, and the lane of all others."""
    statement = upsert(Lane).values([{"relay_id": relay_id, "provider": group} for group in GROUPS])
    session.execute(statement.on_conflict_do_nothing())
    rows = session.execute(select(Lane.provider, Lane.id).where(Lane.relay_id == relay_id))
    lane_of: dict[str, int] = {row.provider: row.id for row in rows}
    lanes = values(column("domain", Text), column("lane_id", Integer), name="lanes")
    return lanes.data([(domain, lane_of[group_of(domain)]) for domain in DOMAINS]), lane_of[OTHER]


def _language(theirs: ColumnElement[str | None], languages: Sequence[str], default: str) -> ColumnElement[str]:
    """Choose the contact's language (``fr-CA`` counts as ``fr``), else the brand's, else the first there is."""
    fallback = default if default in languages else languages[0]
    spoken = func.split_part(func.lower(func.replace(func.coalesce(theirs, ""), "_", "-")), "-", 1)
    return case((spoken.in_(languages), spoken), else_=literal(fallback))
