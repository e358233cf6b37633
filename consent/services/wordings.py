"""Keeping the exact texts that people agree to: a changed text is a new version, old proofs keep theirs."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from consent.models import Wording


def ensure(session: Session, form_id: int | None, kind: str, language: str, text: str) -> int:
    """Return the id of the newest version of a wording, which is a new one when the text differs from the last.

    ``form_id`` None stands for the product's own pages (the preference page).
    """
    same = (Wording.form_id.is_not_distinct_from(form_id), Wording.kind == kind, Wording.language == language)
    latest = session.scalars(select(Wording).where(*same).order_by(Wording.version.desc()).limit(1)).first()
    if latest is not None and latest.text == text:
        return latest.id
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"wording {form_id} {kind} {language}"))))
    latest = session.scalars(select(Wording).where(*same).order_by(Wording.version.desc()).limit(1)).first()
    if latest is not None and latest.text == text:
        return latest.id
    row = Wording(
        form_id=form_id, kind=kind, language=language, version=1 if latest is None else latest.version + 1, text=text
    )
    session.add(row)
    session.flush()
    return row.id
