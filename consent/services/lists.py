"""Taking in a list of suppressed addresses: COPY into a scratch table, then a few set-based statements for each batch.

An address is kept by its key. A digest is kept as it is until somebody with that address is there: those who are in
the base are found at the end of the list, those who come later by a trigger on ``contact`` (migration
``suppression_lists``). Both wait for each other by an advisory lock, so that nobody slips through between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import driver
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.secrets import address_sha256
from app.customers.policy import normalise
from app.customers.policy.address import spellings
from app.customers.services.importing.forgetting import REJECTS_KEPT
from app.customers.services.importing.source import inspect
from consent.models import Suppression, SuppressionList, SuppressionReject
from consent.policy.lists import Listed, column_of, is_listed
from consent.policy.terms import SuppressionTerms

# Reasons that somebody else's list can state; an erasure is always one of ours.
REASONS = ("import", "manual", "complaint", "objection", "hard_bounce")
LOCK = 0x706A << 44  # named in the trigger, too


@dataclass
class Lines:
    """Lines read from a list, and the place behind them. ``refused`` holds line, reason and text."""

    listed: list[Listed] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    rows: int = 0
    position: int = 0
    line: int = 0
    last: bool = False


def create(
    session: Session, path: Path, filename: str, terms: SuppressionTerms, folder: Path, *, language: str = "en"
) -> int:
    """Make a list that waits to be read; return its id. What is converted to be read is kept in ``folder``;
    reasons of refused lines come in ``language``.

    Raises ``InvalidInput`` for a file that cannot be read or holds no addresses, and for terms that are incomplete.
    """
    terms.checked(clock.now())
    if terms.reason not in REASONS:
        raise InvalidInput(_("A list cannot state this reason."), field="reason")
    if not terms.source.strip():
        raise InvalidInput(_("Say where this list comes from."), field="source")
    shape = inspect(path, folder)
    titled = shape.header and not any(is_listed(title) for title in shape.columns)
    start = shape.start if titled or not shape.header else _behind_mark(Path(shape.path))
    rows = shape.samples if titled or not shape.header else [shape.columns, *shape.samples]
    row = SuppressionList(
        filename=filename[:200],
        path=shape.path,
        shape={
            "encoding": shape.codec,
            "delimiter": shape.delimiter,
            "column": column_of(rows),
            "language": language,
        },
        size=shape.size,
        position=start,
        line=shape.start_line if titled else 0,
        reason=terms.reason,
        scope=terms.scope,
        brand_id=terms.brand_id,
        topic_id=terms.topic_id,
        until=terms.until,
        source=terms.source.strip(),
        evidence=terms.evidence.strip(),
        created_by=terms.created_by,
    )
    session.add(row)
    session.flush()
    return row.id


def _behind_mark(path: Path) -> int:
    with path.open("rb") as file:
        return 3 if file.read(3) == b"\xef\xbb\xbf" else 0


def begin(session: Session, list_id: int) -> bool:
    """Mark a list as being read (again); False when it is done."""
    row = _locked(session, list_id)
    if row.status == "done":
        return False
    row.status, row.error = "running", None
    session.flush()
    return True


def fail(session: Session, list_id: int, error: str) -> None:
    """Note why a list cannot be read on."""
    row = _locked(session, list_id)
    row.status, row.error = "failed", error[:2000]
    session.flush()


def step(session: Session, list_id: int, lines: Lines, *, expected_position: int) -> None:
    """Suppress what was read and note the place behind it, in one transaction.

    Raises ``Conflict`` when the list is not at ``expected_position``: another process is at it.
    """
    row = _locked(session, list_id)
    if row.position != expected_position or row.status != "running":
        raise Conflict(_("This list is being read by another process."))
    added, listed = _suppress(session, row, lines.listed)
    _refuse(session, list_id, lines.refused)
    row.rows += lines.rows
    row.added += added
    row.known += listed - added
    row.rejected += len(lines.refused)
    row.position, row.line = lines.position, lines.line
    if lines.last:
        recognise(session)
        row.status, row.finished_at = "done", clock.now()
    session.flush()


def recognise(session: Session) -> None:
    """Turn digests of addresses that are in the base into suppressions of these addresses."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    for digest in _DIGESTS:
        session.execute(text(_RECOGNISE.format(**digest)))


_DIGESTS = (
    {"column": "sha256", "made": "sha256(convert_to(c.email_key, 'UTF8'))"},
    {"column": "md5", "made": "decode(md5(c.email_key), 'hex')"},
)
_RECOGNISE = """
UPDATE suppression s SET kind = 'address', address_key = c.address_key FROM contact c
WHERE s.kind = 'hash' AND s.lifted_at IS NULL AND s.{column} IS NOT NULL
  AND EXISTS (SELECT FROM suppression h WHERE h.kind = 'hash' AND h.lifted_at IS NULL AND h.{column} IS NOT NULL)
  AND c.email_key IS NOT NULL AND s.{column} = {made}
"""


def _suppress(session: Session, row: SuppressionList, listed: Sequence[Listed]) -> tuple[int, int]:
    """Return how many suppressions were added, and how many distinct addresses and digests were listed."""
    connection = driver(session)
    connection.execute("DROP TABLE IF EXISTS pg_temp.listed")
    connection.execute("CREATE TEMP TABLE listed (address_key bytea, sha256 bytea, md5 bytea) ON COMMIT DROP")
    distinct = dict.fromkeys(listed)
    with connection.cursor().copy("COPY listed FROM STDIN") as copy:
        for one in distinct:
            copy.write_row((one.address_key, one.sha256, one.md5))
    connection.execute("ANALYZE listed")
    values = {
        name: getattr(row, name)
        for name in ("reason", "scope", "brand_id", "topic_id", "until", "source", "evidence", "created_by")
    }
    result = session.execute(text(_INSERT), {**values, "list_id": row.id, "now": clock.now()})
    return int(result.rowcount), len(distinct)  # type: ignore[attr-defined]


# One look into an index for each line. Of somebody erased no digest may be kept that lists of addresses would tell.
_STANDS = """
SELECT FROM suppression s
WHERE s.{column} = l.{column} AND s.lifted_at IS NULL AND s.reason = :reason AND s.scope = :scope
  AND s.brand_id IS NOT DISTINCT FROM CAST(:brand_id AS bigint)
  AND s.topic_id IS NOT DISTINCT FROM CAST(:topic_id AS bigint)
  AND (s.until IS NULL OR s.until >= CAST(:until AS timestamptz))
"""
_INSERT = f"""
INSERT INTO suppression (kind, address_key, sha256, md5, reason, scope, brand_id, topic_id, until, source, evidence,
    created_by, list_id, created_at)
SELECT CASE WHEN l.address_key IS NULL THEN 'hash' ELSE 'address' END, l.address_key,
    CASE WHEN NOT EXISTS (SELECT FROM suppression e WHERE e.address_key = l.address_key AND e.lifted_at IS NULL
        AND e.reason = 'erasure') THEN l.sha256 END,
    l.md5, :reason, :scope, CAST(:brand_id AS bigint), CAST(:topic_id AS bigint), CAST(:until AS timestamptz), :source,
    :evidence, CAST(:created_by AS bigint), :list_id, :now
FROM listed l
WHERE NOT EXISTS ({_STANDS.format(column="address_key")}) AND NOT EXISTS ({_STANDS.format(column="sha256")})
  AND NOT EXISTS ({_STANDS.format(column="md5")})
"""  # noqa: S608 - made of names of this file alone


def _refuse(session: Session, list_id: int, refused: Sequence[tuple[int, str, str]]) -> None:
    if not refused:
        return
    with driver(session).cursor().copy("COPY suppression_reject (list_id, line, reason, text) FROM STDIN") as copy:
        for line, reason, given in refused:
            shown = given[:500].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
            copy.write_row((list_id, line, reason[:500].replace("\x00", "\ufffd"), shown))


def _locked(session: Session, list_id: int) -> SuppressionList:
    row = session.scalars(
        select(SuppressionList)
        .where(SuppressionList.id == list_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(_("There is no list %(id)s.", id=list_id))
    return row


def forget(session: Session, addresses: Sequence[str]) -> None:
    """Forget what lists said of an erased person's addresses: refused lines that name one, and digests of former ones.

    The suppression by key that erasure leaves says more than a digest did.
    """
    for address in addresses:
        key = normalise(address).email_key
        for text_ in {address, *spellings(address)}:
            refused = SuppressionReject.text.icontains(text_, autoescape=True)
            session.execute(delete(SuppressionReject).where(refused))
        digests = or_(
            Suppression.sha256 == address_sha256(key),
            Suppression.md5 == hashlib.md5(key.encode(), usedforsecurity=False).digest(),
        )
        session.execute(delete(Suppression).where(Suppression.kind == "hash", digests))


def forget_old(session: Session) -> None:
    """Delete refused lines that nobody mended in time."""
    old = select(SuppressionList.id).where(
        SuppressionList.created_at < clock.now() - REJECTS_KEPT, SuppressionList.status != "running"
    )
    session.execute(delete(SuppressionReject).where(SuppressionReject.list_id.in_(old)))
