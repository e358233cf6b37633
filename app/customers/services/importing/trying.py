"""A dry run: the same work, so that it cannot err, and taken back; what it would have changed is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers.policy.rows import Person
from app.customers.services.importing.merge import Merged, MergeTerms, merge

PREVIEWED = 20  # rows
_PREVIEW = text("""
SELECT i.line, c.email, c.batch_id = :batch_id AND n.contact_id IS NULL AS added, n.changes,
       c.first_name || ' ' || c.last_name AS name, c.tags, c.attributes
FROM incoming i JOIN contact c ON c.email_key = i.email_key
LEFT JOIN import_change n ON n.batch_id = :batch_id AND n.contact_id = c.id
WHERE n.contact_id IS NOT NULL OR c.batch_id = :batch_id AND c.created_at = :now
ORDER BY i.line LIMIT :most
""")


def try_out(session: Session, people: Sequence[Person], terms: MergeTerms, most: int) -> tuple[Merged, list[Any]]:
    """Merge ``people`` and take it back. Returns what came of it, and of up to ``most`` people what would change:
    ``line``, ``email``, ``added``, and ``changes`` (name → [before, after])."""
    trial = session.begin_nested()
    try:
        merged = merge(session, people, terms)
        return merged, _found(session, terms, most) if people and most > 0 else []
    finally:
        trial.rollback()


def _found(session: Session, terms: MergeTerms, most: int) -> list[Any]:
    values = {"batch_id": terms.batch_id, "now": terms.now, "most": most}
    found = []
    for row in session.execute(_PREVIEW, values):
        new = {"name": row.name.strip(), "tags": row.tags, **row.attributes}
        changes = {name: [None, value] for name, value in new.items() if value} if row.added else row.changes
        found.append({"line": row.line, "email": row.email, "added": bool(row.added), "changes": changes})
    return found
