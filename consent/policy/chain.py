"""The canonical form of ledger entries and evidence, and the hashes over them, in Python and in SQL.

Both spell the same bytes, which a test holds, so that single entries are written by Python, imports by one SQL
statement, and ``verify`` can use either. Version 1 of the form of an entry: its columns in the order of ``COLUMNS``,
each as text (absent: empty; bytes: lower-case hex; times: microseconds since 1970), joined by bars after the version.
No column may hold a bar or be an empty text (checked by the table), so the form is unambiguous.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

VERSION = "1"
FIRST = bytes(32)  # what stands for the predecessor of a contact's first entry
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Record:
    """One ledger entry as it is hashed."""

    contact_id: int
    seq: int
    at: datetime
    recorded_at: datetime
    subject: str
    action: str
    state: str
    actor: str
    topic_id: int | None = None
    brand_id: int | None = None
    level: str | None = None
    basis: str | None = None
    address_key: bytes | None = None
    expires_at: datetime | None = None
    wording_id: int | None = None
    language: str | None = None
    form_id: int | None = None
    campaign_id: int | None = None
    batch_id: int | None = None
    actor_id: int | None = None
    evidence_digest: bytes | None = None


TIMES = frozenset({"at", "recorded_at", "expires_at"})
DIGESTS = frozenset({"address_key", "evidence_digest"})
COLUMNS = tuple(Record.__dataclass_fields__)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return str((value - _EPOCH) // _MICROSECOND)
    return str(value)


def canonical(record: Record) -> bytes:
    """Return the bytes of an entry that are hashed."""
    return "|".join([VERSION, *(_text(getattr(record, name)) for name in COLUMNS)]).encode()


def link(prev_hash: bytes, record: Record) -> bytes:
    """Return the hash of an entry: SHA-256 over its predecessor's hash and its own canonical form."""
    return hashlib.sha256(prev_hash + canonical(record)).digest()


def canonical_detail(detail: Mapping[str, str]) -> bytes:
    """Return evidence as PostgreSQL prints it as jsonb: shorter keys first, then by byte."""
    keys = sorted(detail, key=lambda key: (len(key.encode()), key.encode()))
    return json.dumps({key: detail[key] for key in keys}, ensure_ascii=False).encode()


def digest(salt: bytes, detail: Mapping[str, str]) -> bytes:
    """Return the digest that stands in the ledger for evidence kept beside it."""
    return hashlib.sha256(salt + canonical_detail(detail)).digest()


def _sql_text(name: str, expression: str) -> str:
    if name in TIMES:
        return f"coalesce((extract(epoch FROM {expression}) * 1000000)::bigint::text, '')"
    if name in DIGESTS:
        return f"coalesce(encode({expression}, 'hex'), '')"
    return f"coalesce(({expression})::text, '')"


def sql_link(prev_hash: str, expressions: Mapping[str, str]) -> str:
    """Return the SQL expression of ``link``, given SQL expressions for the columns of ``COLUMNS`` (absent: NULL).

    Expressions are code of ours, never anything given by a user.
    """
    parts = [_sql_text(name, expressions[name]) if name in expressions else "''" for name in COLUMNS]
    joined = " || '|' || ".join([f"'{VERSION}'", *parts])
    return f"sha256({prev_hash} || convert_to({joined}, 'UTF8'))"


def sql_digest(salt: str, detail: str) -> str:
    """Return the SQL expression of ``digest`` over a jsonb expression."""
    return f"sha256({salt} || convert_to(({detail})::text, 'UTF8'))"
