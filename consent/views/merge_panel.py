"""Permission in the preview of a merge: what holds for each of the two contacts, and what for both as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.brands.queries import brands
from app.core import clock
from consent.queries import topics, verdicts
from consent.queries.topics import TopicInfo

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Outcome:
    """Whether mail about a topic may be sent; ``gate`` says why not, blank when it may."""

    topic: TopicInfo
    brand: str
    gate: str


def look(session: Session, contact_id: int) -> list[Outcome]:
    """Return what holds for a contact now, topic by topic."""
    names = {brand.id: brand.name for brand in brands.all_brands(session)}
    found = []
    for topic in topics.topics(session):
        judged = verdicts.verdicts(session, contact_id, topic.id, topic.brand_id, clock.now())
        shut = verdicts.deciding(judged)
        found.append(Outcome(topic, names[topic.brand_id], shut.label if shut else ""))
    return found
