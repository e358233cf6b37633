"""Sign-up forms with their newest wordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.core import links
from app.core.errors import NotFound
from consent.models import Form, SignUp, Wording

# Title and introduction are what is read first; the next two are what people agree to; the notice is what the law wants
# them told (consent.policy.notice); the last two are the mail that greets them.
KINDS = ("title", "intro", "consent", "tracking", "notice", "welcome_subject", "welcome_text")


@dataclass(frozen=True)
class WordingInfo:
    """One version of a text."""

    id: int
    kind: str
    language: str
    version: int
    text: str
    created_at: datetime


@dataclass(frozen=True)
class FormInfo:
    """A form. ``wordings`` maps (kind, language) to the newest version."""

    id: int
    brand_id: int
    slug: str
    name: str
    topic_ids: tuple[int, ...]
    fields: tuple[str, ...]
    asks_tracking: bool
    redirect_url: str
    active: bool
    disposable: str
    age_country: str
    reminds: bool
    welcomes: bool
    created_at: datetime
    wordings: Mapping[tuple[str, str], WordingInfo]

    def wording(self, kind: str, language: str) -> WordingInfo | None:
        """Return the newest text of a kind in ``language``, else in any language."""
        exact = self.wordings.get((kind, language))
        return exact or next((text for (known, _), text in self.wordings.items() if known == kind), None)

    def text(self, kind: str, language: str) -> str:
        """Return that text, or nothing."""
        found = self.wording(kind, language)
        return found.text if found else ""


def forms(session: Session) -> list[FormInfo]:
    """Return every form, by brand and name."""
    rows = session.scalars(select(Form).order_by(Form.brand_id, Form.name)).all()
    newest = _newest(session, [row.id for row in rows])
    return [_info(row, newest.get(row.id, [])) for row in rows]


def places(session: Session) -> dict[int, str]:
    """Return where each form is, as people read an address: by id, without the scheme."""
    rows = session.execute(select(Form.id, Form.slug))
    return {row.id: links.subscribe(row.slug).partition("://")[2] for row in rows}


def form(session: Session, form_id: int) -> FormInfo:
    """Return one form. Raises ``NotFound``."""
    row = session.get(Form, form_id)
    if row is None:
        raise NotFound(f"There is no form with the number {form_id}.")
    return _info(row, _newest(session, [row.id]).get(row.id, []))


def by_slug(session: Session, slug: str) -> FormInfo:
    """Return an active form by the name in its address. Raises ``NotFound``."""
    row = session.scalar(select(Form).where(Form.slug == slug, Form.active))
    if row is None:
        raise NotFound("There is no such form, or it is closed.")
    return _info(row, _newest(session, [row.id]).get(row.id, []))


def versions(session: Session, form_id: int) -> list[WordingInfo]:
    """Return every text a form ever had, newest first."""
    rows = session.scalars(
        select(Wording).where(Wording.form_id == form_id).order_by(Wording.created_at.desc(), Wording.id.desc())
    )
    return [_wording(row) for row in rows]


def notice(session: Session, form_id: int, language: str, version: int) -> str:
    """Return a form's notice as people saw it, or nothing."""
    query = select(Wording.text).where(
        Wording.form_id == form_id,
        Wording.kind == "notice_shown",
        Wording.language == language,
        Wording.version == version,
    )
    return session.scalar(query) or ""


def lately(session: Session, form_id: int, since: datetime) -> tuple[int, int]:
    """Return how many requests a form got since then, and how many of those were confirmed; it stops at 500."""
    some = select(SignUp.confirmed_at).where(SignUp.form_id == form_id, SignUp.created_at > since).limit(500).subquery()
    row = session.execute(select(func.count(), func.count(some.c.confirmed_at)).select_from(some)).one()
    return row[0], row[1]


def _newest(session: Session, form_ids: list[int]) -> dict[int, list[WordingInfo]]:
    found: dict[int, list[WordingInfo]] = {}
    query = (
        select(Wording)
        .where(Wording.form_id.in_(form_ids))
        .ext(distinct_on(Wording.form_id, Wording.kind, Wording.language))
        .order_by(Wording.form_id, Wording.kind, Wording.language, Wording.version.desc())
    )
    for row in session.scalars(query):
        found.setdefault(row.form_id or 0, []).append(_wording(row))
    return found


def _wording(row: Wording) -> WordingInfo:
    return WordingInfo(row.id, row.kind, row.language, row.version, row.text, row.created_at)


def _info(row: Form, texts: list[WordingInfo]) -> FormInfo:
    return FormInfo(
        id=row.id,
        brand_id=row.brand_id,
        slug=row.slug,
        name=row.name,
        topic_ids=tuple(row.topic_ids),
        fields=tuple(row.fields),
        asks_tracking=row.asks_tracking,
        redirect_url=row.redirect_url,
        active=row.active,
        disposable=row.disposable,
        age_country=row.age_country,
        reminds=row.reminds,
        welcomes=row.welcomes,
        created_at=row.created_at,
        wordings={(text.kind, text.language): text for text in texts},
    )
