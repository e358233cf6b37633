"""Lists of people who signed on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFound
from consent.models import Form, PaperList, SignUp, Wording


@dataclass(frozen=True)
class PaperListInfo:
    """A list, with what became of its lines. ``scan_sha256`` is hexadecimal."""

    id: int
    form_id: int
    form_name: str
    topic_ids: tuple[int, ...]
    words: str
    language: str
    signed_on: date
    place: str
    confirms: bool
    scan_sha256: str
    scan_type: str
    scan_size: int
    staff_id: int
    taken: int
    refused: int
    created_at: datetime


def paper_lists(session: Session, limit: int = 200) -> list[PaperListInfo]:
    """Return the newest lists first."""
    rows = session.execute(_query().order_by(PaperList.id.desc()).limit(limit))
    return [_info(*row) for row in rows]


def paper_list(session: Session, list_id: int) -> PaperListInfo:
    """Return one list. Raises ``NotFound``."""
    row = session.execute(_query().where(PaperList.id == list_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no paper list with the number {list_id}.")
    return _info(*row)


@dataclass(frozen=True)
class Progress:
    """How far the confirmation mails of a list are; ``open`` are requests that may still get theirs."""

    asked: int
    mailed: int
    confirmed: int
    open: tuple[int, ...]


def progress(session: Session, list_id: int) -> Progress:
    """Return how far a list is, as long as its requests are kept (``services.ageing``)."""
    rows = session.execute(
        select(SignUp.id, SignUp.mailed_at, SignUp.confirmed_at, SignUp.expires_at).where(
            SignUp.form_id == select(PaperList.form_id).where(PaperList.id == list_id).scalar_subquery(),
            SignUp.statements["paper_list"].astext == str(list_id),
        )
    ).all()
    waiting = (row.id for row in rows if row.mailed_at is None and row.expires_at > clock.now())
    return Progress(
        len(rows),
        sum(row.mailed_at is not None for row in rows),
        sum(row.confirmed_at is not None for row in rows),
        tuple(waiting),
    )


def _query() -> Select[PaperList, str, str]:
    return (
        select(PaperList, Form.name, Wording.text)
        .join(Form, Form.id == PaperList.form_id)
        .join(Wording, Wording.id == PaperList.wording_id)
    )


def _info(row: PaperList, form_name: str, words: str) -> PaperListInfo:
    return PaperListInfo(
        id=row.id,
        form_id=row.form_id,
        form_name=form_name,
        topic_ids=tuple(row.topic_ids),
        words=words,
        language=row.language,
        signed_on=row.signed_on,
        place=row.place,
        confirms=row.confirms,
        scan_sha256=row.scan_sha256.hex(),
        scan_type=row.scan_type,
        scan_size=row.scan_size,
        staff_id=row.staff_id,
        taken=int(row.result.get("taken", 0)),
        refused=int(row.result.get("refused", 0)),
        created_at=row.created_at,
    )
