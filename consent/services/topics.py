"""Creating and changing topics."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from consent.models import Topic
from consent.policy.profiles import check_accepts


def create(
    session: Session,
    brand_id: int,
    names: Mapping[str, str] | str,
    *,
    descriptions: Mapping[str, str] | None = None,
    slug: str = "",
    purpose: str = "marketing",
    accepts: Mapping[str, Iterable[str]] | None = None,
    public: bool = True,
) -> int:
    """Create a topic and return its id.

    ``names`` is a text or texts by language. ``accepts`` maps a profile to the minimal pairs that suffice, e.g.
    ``{"eu": ["consent@opt_in"]}``; what it leaves out falls back to the profile's defaults.
    Raises ``InvalidInput`` naming the field.
    """
    clean = _names({"en": names} if isinstance(names, str) else names)
    position = session.scalar(select(func.coalesce(func.max(Topic.position), 0) + 1).where(Topic.brand_id == brand_id))
    row = Topic(
        brand_id=brand_id,
        slug=_free_slug(session, slug or next(iter(clean.values()))),
        name=clean,
        description=_texts(descriptions or {}),
        purpose=purpose.strip() or "marketing",
        accepts=check_accepts(accepts or {}),
        position=position,
        public=public,
    )
    session.add(row)
    session.flush()
    return row.id


def update(
    session: Session,
    topic_id: int,
    names: Mapping[str, str],
    *,
    descriptions: Mapping[str, str],
    purpose: str,
    accepts: Mapping[str, Iterable[str]],
    public: bool,
) -> None:
    """Change a topic; its slug and brand stay. Raises ``NotFound`` or ``InvalidInput``."""
    row = _row(session, topic_id)
    row.name = _names(names)
    row.description = _texts(descriptions)
    row.purpose = purpose.strip() or "marketing"
    row.accepts = check_accepts(accepts)
    row.public = public
    session.flush()


def archive(session: Session, topic_id: int, *, archived: bool = True) -> None:
    """Put a topic aside (forms and campaigns no longer offer it; its permissions and proofs stay) or back."""
    _row(session, topic_id).archived_at = clock.now() if archived else None
    session.flush()


def _row(session: Session, topic_id: int) -> Topic:
    row = session.get(Topic, topic_id)
    if row is None:
        raise NotFound(f"There is no topic with the number {topic_id}.")
    return row


def _texts(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: text.strip() for language, text in texts.items() if text.strip()}


def _names(names: Mapping[str, str]) -> dict[str, str]:
    clean = _texts(names)
    if not clean:
        raise InvalidInput(_("Give the topic a name in one language at least."), field="names")
    return clean


def _free_slug(session: Session, wish: str) -> str:
    """Return ``wish`` as lower-case ASCII words joined by hyphens, numbered when it is taken."""
    plain = unicodedata.normalize("NFKD", wish).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "topic"
    taken = set(session.scalars(select(Topic.slug).where(Topic.slug.startswith(slug))))
    candidates = (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
