"""Finding contacts who may be one person, set-based, over the whole base.

Of several with one sign each is paired with the oldest, so that n contacts make n − 1 pairs. What staff dismissed stays
dismissed; what is no longer so disappears.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock, db
from app.core.errors import NotFound
from app.customers.models import Duplicate
from app.customers.policy.duplicates import CROWD, DOTLESS, Kind, phone_fields, phone_number, postcode_fields
from app.customers.policy.values import Kind as FieldKind
from app.customers.queries.fields import dictionary

_LIVING = "c.erased_at IS NULL AND c.merged_into IS NULL"
_TABLES = """
DROP TABLE IF EXISTS pg_temp.signed, pg_temp.paired;
CREATE TEMPORARY TABLE signed (contact_id bigint NOT NULL, kind text NOT NULL, sign text NOT NULL) ON COMMIT DROP
"""
# Only contacts with a plus or a dotless provider can share a mailbox with another, for addresses are unique.
_ADDRESSES = f"""
WITH split AS (
    SELECT c.id, coalesce(CAST(:dotless AS jsonb) ->> c.domain, c.domain) AS domain,
           CASE WHEN CAST(:dotless AS jsonb) ? c.domain
                THEN replace(split_part(split_part(c.email_key, '@', 1), '+', 1), '.', '')
                ELSE split_part(split_part(c.email_key, '@', 1), '+', 1) END AS local
    FROM contact c WHERE {_LIVING} AND c.email_key IS NOT NULL
)
INSERT INTO signed SELECT id, :kind, local || '@' || domain FROM split WHERE local <> ''
"""  # noqa: S608 - names of ours alone
_NAMES = f"""
INSERT INTO signed
SELECT c.id, :kind, lower(trim(c.first_name)) || '|' || lower(trim(c.last_name)) || '|'
    || upper(regexp_replace(c.attributes ->> :field, '[^[:alnum:]]', '', 'g'))
FROM contact c
WHERE {_LIVING} AND trim(c.first_name) <> '' AND trim(c.last_name) <> ''
    AND jsonb_typeof(c.attributes -> :field) IN ('string', 'number') AND c.attributes ->> :field ~ '[[:alnum:]]'
"""  # noqa: S608
_PHONES = f"""
SELECT c.id, c.country, c.attributes ->> %s FROM contact c
WHERE {_LIVING} AND jsonb_typeof(c.attributes -> %s) = 'string' AND length(c.attributes ->> %s) BETWEEN 6 AND 40
"""  # noqa: S608
_PAIRS = f"""
CREATE TEMPORARY TABLE paired ON COMMIT DROP AS
SELECT low_id, high_id, array_agg(DISTINCT kind ORDER BY kind) AS kinds
FROM (
    SELECT ids[1] AS low_id, unnest(ids[2:]) AS high_id, kind
    FROM (
        SELECT kind, array_agg(DISTINCT contact_id ORDER BY contact_id) AS ids FROM signed
        GROUP BY kind, sign HAVING count(*) BETWEEN 2 AND {CROWD}
    ) AS same
) AS pair
GROUP BY 1, 2
"""  # noqa: S608
_GONE = """
DELETE FROM duplicate d WHERE d.dismissed_at IS NULL
AND NOT EXISTS (SELECT FROM paired p WHERE p.low_id = d.low_id AND p.high_id = d.high_id)
"""
_KEPT = """
INSERT INTO duplicate AS d (low_id, high_id, kinds) SELECT low_id, high_id, kinds FROM paired
ON CONFLICT (low_id, high_id) DO UPDATE SET kinds = excluded.kinds WHERE d.kinds <> excluded.kinds
"""
_COUNTED = "SELECT count(*) FROM duplicate WHERE dismissed_at IS NULL"


def find(session: Session) -> int:
    """Look for duplicates in the whole base, keep what is found, and return how many pairs there are to judge."""
    for statement in _TABLES.split(";"):
        session.execute(text(statement))
    declared = dictionary(session)
    session.execute(text(_ADDRESSES), {"kind": Kind.ADDRESS.value, "dotless": json.dumps(DOTLESS)})
    texts = [field.name for field in declared if field.kind in (FieldKind.TEXT, FieldKind.NUMBER)]
    for name in postcode_fields(texts):
        session.execute(text(_NAMES), {"kind": Kind.NAME.value, "field": name})
    for name in phone_fields(field.name for field in declared if field.kind is FieldKind.TEXT):
        _phones(session, name)
    for statement in (_PAIRS, _GONE, _KEPT):
        session.execute(text(statement))
    return session.scalar(text(_COUNTED)) or 0


def _phones(session: Session, field: str) -> None:
    connection = db.driver(session)
    rows = _numbers(connection.execute(_PHONES, (field, field, field)))
    with connection.cursor().copy("COPY signed (contact_id, kind, sign) FROM STDIN") as copy:
        for contact_id, number in rows:
            copy.write_row((contact_id, Kind.PHONE.value, number))


def _numbers(rows: Iterable[tuple[int, str | None, str]]) -> Iterator[tuple[int, str]]:
    for contact_id, country, given in rows:
        if number := phone_number(given, country):
            yield contact_id, number


def dismiss(session: Session, one: int, other: int) -> None:
    """Remember that two contacts are two people, so that they are not suggested again. Raises ``NotFound``."""
    row = session.get(Duplicate, (min(one, other), max(one, other)), with_for_update=True)
    if row is None:
        raise NotFound(_("These two are not suggested."))
    row.dismissed_at, row.dismissed_by = clock.now(), audit.actor().staff_id
    audit.record(session, "told apart", "contact", row.low_id, detail={"other": row.high_id})
    session.flush()
