"""Who a campaign is for: members of its segments, and what the gates say of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, exists, func, literal, select, union
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput
from campaigns.models import Campaign, CampaignSegment, Segment
from campaigns.policy import EXCLUDED
from campaigns.queries import segments
from consent.queries import gates


@dataclass(frozen=True)
class AudiencePreview:
    """What a launch would do now: ``segment`` members, ``recipients`` of them, the rest by their first shut gate."""

    recipients: int
    segment: int
    excluded: dict[str, int]


def members(session: Session, campaign_id: int) -> Select[int, bool]:
    """Return a SELECT of (contact_id, excluded): everybody in an included segment, and whether an excluded one has
    them too. Raises ``InvalidInput`` when no segment is included."""
    included, excluded = (_definitions(session, campaign_id, mode) for mode in ("include", "exclude"))
    if not included:
        raise InvalidInput("No segment is chosen: include at least one.", field="segments")
    people = _any_of(session, included).subquery("included")
    if not excluded:
        return select(people.c.contact_id, literal(False).label("excluded"))
    away = _any_of(session, excluded).subquery("away")
    return select(people.c.contact_id, exists().where(away.c.contact_id == people.c.contact_id).label("excluded"))


def _definitions(session: Session, campaign_id: int, mode: str) -> list[dict[str, object]]:
    query = (
        select(Segment.definition)
        .join(CampaignSegment, CampaignSegment.segment_id == Segment.id)
        .where(CampaignSegment.campaign_id == campaign_id, CampaignSegment.mode == mode)
        .order_by(Segment.id)
    )
    return list(session.scalars(query))


def _any_of(session: Session, definitions: list[dict[str, object]]) -> Select[int]:
    compiled = [segments.compile(session, definition) for definition in definitions]
    if len(compiled) == 1:
        return compiled[0]
    together = union(*compiled).subquery("any_of")
    return select(together.c.contact_id)


def preview(session: Session, campaign_id: int) -> AudiencePreview:
    """Count what a launch would do now. Raises ``InvalidInput`` when no segment is included."""
    campaign = session.get_one(Campaign, campaign_id)
    people = members(session, campaign_id).cte("people")
    passed = gates.gates(campaign.topic_id, campaign.brand_id, clock.now(), people).subquery("passed")
    rows = session.execute(
        select(people.c.excluded, passed.c.gate, func.count())
        .join(passed, passed.c.contact_id == people.c.contact_id)
        .group_by(people.c.excluded, passed.c.gate)
    ).all()
    counts: dict[str | None, int] = {}
    for excluded, gate, count in rows:
        shut = EXCLUDED if excluded else gate
        counts[shut] = counts.get(shut, 0) + count
    recipients = counts.pop(None, 0)
    refused = {gate: count for gate, count in counts.items() if gate is not None}
    return AudiencePreview(recipients, recipients + sum(refused.values()), refused)
