"""Who a campaign is for: members of its segments, and what the gates say of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, Text, case, exists, func, intersect, literal, null, select, union
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput
from campaigns.models import Campaign, CampaignSegment, Segment
from campaigns.policy import ASKED_BEFORE, EXCLUDED, CampaignKind
from campaigns.queries import segments, waves
from consent.queries import gates


@dataclass(frozen=True)
class AudiencePreview:
    """What a launch would do now: ``segment`` members, ``recipients`` of them, the rest by their first shut gate."""

    recipients: int
    segment: int
    excluded: dict[str, int]


def members(session: Session, campaign_id: int) -> Select[int, str | None]:
    """Return a SELECT of (contact_id, shut): everybody in an included segment, and the campaign's own gate that is shut
    for them: an excluded segment has them too, or they are asked already.

    A re-permission campaign is for those of them whose permission is to be asked for again; without a segment, for all
    such people. Raises ``InvalidInput`` when a mailing includes no segment.
    """
    campaign = session.get_one(Campaign, campaign_id)
    included, excluded = (_definitions(session, campaign_id, mode) for mode in ("include", "exclude"))
    asks = campaign.kind == CampaignKind.REPERMISSION
    if not included and not asks:
        raise InvalidInput("No segment is chosen: include at least one.", field="segments")
    chosen = [_any_of(session, included)] if included else []
    if asks:
        chosen.append(waves.needing(waves.waves_of(session, campaign_id), campaign.topic_id, clock.now()))
    people = (chosen[0] if len(chosen) == 1 else intersect(*chosen)).subquery("included")
    contact_id = people.c[0]
    shut: list[tuple[ColumnElement[bool], str]] = []
    if excluded:
        away = _any_of(session, excluded).subquery("away")
        shut.append((exists().where(away.c.contact_id == contact_id), EXCLUDED))
    if asks:
        shut.append((waves.asked_before(campaign_id, campaign.topic_id, contact_id), ASKED_BEFORE))
    named = case(*shut, else_=null()) if shut else literal(None, Text)
    return select(contact_id.label("contact_id"), named.label("shut"))


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
    people = members(session, campaign_id).subquery("people")
    passed = gates.gates(campaign.topic_id, campaign.brand_id, clock.now(), people).add_columns(people.c.shut)
    asked = passed.subquery("asked")
    rows = session.execute(select(asked.c.shut, asked.c.gate, func.count()).group_by(asked.c.shut, asked.c.gate)).all()
    counts: dict[str | None, int] = {}
    for own, gate, count in rows:
        shut = own or gate
        counts[shut] = counts.get(shut, 0) + count
    recipients = counts.pop(None, 0)
    refused = {gate: count for gate, count in counts.items() if gate is not None}
    return AudiencePreview(recipients, recipients + sum(refused.values()), refused)
