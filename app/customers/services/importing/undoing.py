"""Taking an import back: a part of its people after the other, each part in one transaction with the place behind it.

Values it changed get back what was there before, where nobody changed them since. Permissions it gave end by an entry
in the ledger. People it added and nobody touched since go; who has left traces (mails, orders, later entries) stays.
What it said of people who left (withdrawals, suppressions) stands: taking back a list is no reason to write to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Conflict
from app.core.registries import Registry
from app.customers.models import ImportBatch
from app.customers.policy.rows import CORE
from app.customers.services.importing.batches import locked
from app.customers.services.importing.forgetting import CHANGES_KEPT

PART = 5_000  # people


class Retraction(Protocol):
    """Ends what the import permitted to those in the temporary table ``people`` (contact_id bigint) and returns
    how many permissions that were."""

    def __call__(self, session: Session, batch_id: int, people: str, actor_id: int | None) -> int: ...


retractions: Registry[Retraction] = Registry("permissions of an import that is undone")
# (session, people, batch_id) -> nothing: deletes from the temporary table ``people`` (contact_id bigint) who must stay.
Trace = Callable[[Session, str, int], None]
traces: Registry[Trace] = Registry("traces that keep people whom an import added")
# (session, contact ids) -> nothing: forgets what other rooms hold of people whom an import added and who left no trace
removals: Registry[Callable[[Session, list[int]], None]] = Registry("removal of an import's people")


def request(session: Session, batch_id: int, actor_id: int | None) -> None:
    """Mark an import to be undone. Raises ``Conflict`` for one that is not done, changed nothing, or is too old."""
    row = locked(session, batch_id)
    if row.status not in ("done", "stopped", "failed") or row.dry_run:
        raise Conflict(_("Only an import that has ended can be undone."))
    if row.created_at < clock.now() - CHANGES_KEPT:
        raise Conflict(_("An import can be undone for %(days)s days.", days=CHANGES_KEPT.days))
    row.status = "undoing"
    row.undone = {"behind": 0, "restored": 0, "ended": 0, "removed": 0, "kept": 0, "by": actor_id}
    session.flush()


def step(session: Session, batch_id: int) -> bool:
    """Undo the import for the next part of its people; tell whether there are more.

    Raises ``Conflict`` when it is not being undone.
    """
    row = locked(session, batch_id)
    if row.status != "undoing":
        raise Conflict(_("This import is not being undone."))
    done = dict(row.undone)
    values = {"batch_id": batch_id, "behind": done["behind"], "part": PART}
    session.execute(text("DROP TABLE IF EXISTS pg_temp.undone, pg_temp.going"))
    session.execute(text(_PART), values)
    session.execute(text(_LOCK), values)
    last = session.scalar(text("SELECT max(contact_id) FROM undone"))
    if last is None:
        row.status, row.undone = "undone", {**done, "at": clock.now().isoformat()}
        session.execute(text("DELETE FROM import_change WHERE batch_id = :batch_id"), values)
        session.flush()
        return False
    for retraction in retractions:
        done["ended"] += retraction(session, batch_id, "undone", done["by"])
    removed = _remove(session, row)
    done["restored"] += len(session.execute(text(_RESTORE), {**values, "now": clock.now()}).all())
    done["removed"] += len(removed)
    done["kept"] += int(session.scalar(text("SELECT count(*) FROM undone WHERE added")) or 0) - len(removed)
    row.undone = {**done, "behind": last}
    session.flush()
    return True


def _remove(session: Session, row: ImportBatch) -> list[int]:
    session.execute(text(_GOING), {"batch_id": row.id})
    for trace in traces:
        trace(session, "going", row.id)
    ids = list(session.scalars(text("SELECT contact_id FROM going ORDER BY contact_id")))
    if ids:
        for removal in removals:
            removal(session, ids)
        session.execute(text(_REMOVE), {"ids": ids, "now": clock.now()})
    return ids


# Everybody in the order of their ids, for an import also says things of people whom it neither added nor changed.
_PART = """
CREATE TEMPORARY TABLE undone ON COMMIT DROP AS
SELECT id AS contact_id, batch_id IS NOT DISTINCT FROM :batch_id AS added FROM contact
WHERE id > :behind AND erased_at IS NULL ORDER BY id LIMIT :part
"""
# In the order of their ids, as everybody locks contacts; entries of the ledger then wait for this one to end.
_LOCK = """
SELECT id FROM contact WHERE id IN (
    SELECT contact_id FROM undone WHERE added
    UNION SELECT n.contact_id FROM import_change n JOIN undone USING (contact_id) WHERE n.batch_id = :batch_id
) ORDER BY id FOR UPDATE
"""
# A contact nobody changed carries the moment of the import's own last write.
_GOING = """
CREATE TEMPORARY TABLE going ON COMMIT DROP AS
SELECT c.id AS contact_id FROM undone u JOIN contact c ON c.id = u.contact_id
LEFT JOIN import_change n ON n.batch_id = :batch_id AND n.contact_id = c.id
WHERE u.added AND c.updated_at = coalesce(n.at, c.created_at) AND c.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM contact_address a WHERE a.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM external_id x WHERE x.contact_id = c.id)
  AND c.merged_into IS NULL AND NOT EXISTS (SELECT FROM contact c2 WHERE c2.merged_into = c.id)
  AND NOT EXISTS (SELECT FROM contact_profile p WHERE p.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM contact_note o WHERE o.contact_id = c.id)
"""
_REMOVE = """
UPDATE contact SET email = NULL, email_key = NULL, address_key = NULL, first_name = '', last_name = '', source = '',
    language = NULL, time_zone = NULL, country = NULL, tags = '{}', attributes = '{}', known_at = NULL,
    erased_at = :now, updated_at = :now
WHERE id = ANY (:ids)
"""


def _core(name: str) -> str:
    blank = "''" if name in ("first_name", "last_name", "source") else "NULL"
    same = f"n.changes ? '{name}' AND coalesce(to_jsonb(c.{name}), 'null') = n.changes -> '{name}' -> 1"
    return f"{name} = CASE WHEN {same} THEN coalesce(n.changes -> '{name}' ->> 0, {blank}) ELSE c.{name} END"


_SAME = "n.changes ? e.key AND e.value = n.changes -> e.key -> 1"
_RESTORE = f"""
UPDATE contact c SET {", ".join(_core(name) for name in CORE)},
    tags = CASE WHEN n.changes ? 'tags' AND to_jsonb(c.tags) = n.changes -> 'tags' -> 1
        THEN ARRAY(SELECT jsonb_array_elements_text(n.changes -> 'tags' -> 0)) ELSE c.tags END,
    attributes = (c.attributes - ARRAY(SELECT e.key FROM jsonb_each(c.attributes) e WHERE {_SAME})) || coalesce((
        SELECT jsonb_object_agg(e.key, n.changes -> e.key -> 0) FROM jsonb_each(c.attributes) e
        WHERE {_SAME} AND n.changes -> e.key -> 0 <> 'null'), '{{}}'),
    known_at = NULL, updated_at = :now
FROM undone u JOIN import_change n ON n.batch_id = :batch_id AND n.contact_id = u.contact_id
WHERE c.id = u.contact_id AND NOT u.added AND c.erased_at IS NULL
RETURNING c.id
"""  # noqa: S608 - names of columns of this file
