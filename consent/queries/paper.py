"""Lists of people who signed on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFound
from consent.models import Form, PaperList, PermissionEvent, PermissionEvidence, SignUp, Wording


@dataclass(frozen=True)
class PaperListInfo:
    """A list, with what became of its lines. Digests are hexadecimal; ``kept_sha256`` is blank when no scan is kept."""

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
    kept_sha256: str
    to_cover: tuple[int, ...]
    covered_at: datetime | None
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


def to_cover(session: Session) -> list[PaperListInfo]:
    """Return the lists whose scans show somebody who was erased, the oldest first."""
    rows = session.execute(_query().where(func.cardinality(PaperList.to_cover) > 0).order_by(PaperList.id))
    return [_info(*row) for row in rows]


def lines_of(session: Session, contact_id: int, keys: list[bytes]) -> set[tuple[int, int]]:
    """Return where somebody signed, as (list id, place on the list): by the ledger's evidence and their requests."""
    evidence, stated = PermissionEvidence.detail, SignUp.statements
    signed = (
        select(evidence["paper_list"].astext, evidence["paper_line"].astext)
        .join(PermissionEvent, PermissionEvent.id == PermissionEvidence.event_id)
        .where(PermissionEvent.contact_id == contact_id, evidence.has_key("paper_line"))
    )
    asked = select(stated["paper_list"].astext, stated["paper_line"].astext).where(
        or_(SignUp.contact_id == contact_id, SignUp.address_key.in_(keys)), stated.has_key("paper_line")
    )
    rows = [*session.execute(signed), *session.execute(asked)]
    return {(int(list_id), int(line)) for list_id, line in rows}


def is_kept(session: Session, sha256: str) -> bool:
    """Say whether some list keeps this document."""
    digest = bytes.fromhex(sha256)
    original = and_(PaperList.covered_at.is_(None), PaperList.scan_sha256 == digest)
    return session.scalar(select(exists().where(or_(original, PaperList.covered_sha256 == digest)))) or False


def _kept(row: PaperList) -> str:
    kept = row.scan_sha256 if row.covered_at is None else row.covered_sha256
    return kept.hex() if kept else ""


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
        kept_sha256=_kept(row),
        to_cover=tuple(row.to_cover),
        covered_at=row.covered_at,
        scan_type=row.scan_type,
        scan_size=row.scan_size,
        staff_id=row.staff_id,
        taken=int(row.result.get("taken", 0)),
        refused=int(row.result.get("refused", 0)),
        created_at=row.created_at,
    )
