"""Topics as other rooms see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from consent.models import Topic
from consent.policy.standing import TopicTerms


@dataclass(frozen=True)
class TopicInfo:
    """A topic. ``names`` and ``descriptions`` map a language to text; ``accepts`` a profile to pairs."""

    id: int
    brand_id: int
    slug: str
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    purpose: str
    accepts: Mapping[str, tuple[str, ...]]
    position: int
    public: bool
    archived_at: datetime | None

    def name(self, language: str = "en") -> str:
        """Return the name in ``language``, else in any language, else the slug."""
        return _in(self.names, language) or self.slug

    def description(self, language: str = "en") -> str:
        """Return the description in ``language``, else in any language, else nothing."""
        return _in(self.descriptions, language)

    @property
    def terms(self) -> TopicTerms:
        """Return what decisions need to know."""
        return TopicTerms(self.id, self.brand_id, self.accepts)


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or next((text for text in texts.values() if text), "")


def _info(row: Topic) -> TopicInfo:
    return TopicInfo(
        id=row.id,
        brand_id=row.brand_id,
        slug=row.slug,
        names=dict(row.name),
        descriptions=dict(row.description),
        purpose=row.purpose,
        accepts={profile: tuple(pairs) for profile, pairs in row.accepts.items()},
        position=row.position,
        public=row.public,
        archived_at=row.archived_at,
    )


def topic_table() -> Table:
    """The table of topics, for joins."""
    return cast(Table, Topic.__table__)


def topics(session: Session, brand_id: int | None = None, *, archived: bool = False) -> list[TopicInfo]:
    """Return the topics of a brand, or of all brands, in their order; archived ones only when asked."""
    query = select(Topic).order_by(Topic.brand_id, Topic.position, Topic.id)
    if brand_id is not None:
        query = query.where(Topic.brand_id == brand_id)
    if not archived:
        query = query.where(Topic.archived_at.is_(None))
    return [_info(row) for row in session.scalars(query)]


def topic(session: Session, topic_id: int) -> TopicInfo:
    """Return one topic. Raises ``NotFound``."""
    row = session.get(Topic, topic_id)
    if row is None:
        raise NotFound(f"There is no topic with the number {topic_id}.")
    return _info(row)


def by_slug(session: Session, slug: str) -> TopicInfo:
    """Return the topic called ``slug``. Raises ``NotFound`` naming those that exist."""
    row = session.scalar(select(Topic).where(Topic.slug == slug))
    if row is None:
        known = ", ".join(session.scalars(select(Topic.slug).order_by(Topic.slug).limit(20))) or "none yet"
        raise NotFound(f"There is no topic called {slug!r}. Topics: {known}.")
    return _info(row)
