"""The canonical form of ledger entries and evidence, and the hashes over them, in Python and in SQL.

Both spell the same bytes, which a test holds, so that single entries are written by Python, imports by one SQL
statement, and ``verify`` can use either. The form of an entry: its version, then its columns in the order of
``COLUMNS``, each as text (absent: empty; bytes: lower-case hex; times: microseconds since 1970), joined by bars.
No column may hold a bar or be an empty text (checked by the table), so the form is unambiguous.

Version 2 hashes all columns. Version 1, in which the first ledgers were written, left out ``id``; it is still read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime, timedelta

VERSION = "2"
FORMER = "1"
FIRST = bytes(32)  # what stands for the predecessor of a contact's first entry
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Record:
    """One ledger entry as it is hashed."""

    id: int
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
_REQUIRED = frozenset(field.name for field in fields(Record) if field.default is MISSING)
_FORMS = {VERSION: COLUMNS, FORMER: tuple(name for name in COLUMNS if name != "id")}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return str(microseconds(value))
    return str(value)


def microseconds(moment: datetime) -> int:
    """Return a time as hashes take it: microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def canonical(record: Record, version: str = VERSION) -> bytes:
    """Return the bytes of an entry that are hashed."""
    return "|".join([version, *(_text(getattr(record, name)) for name in _FORMS[version])]).encode()


def link(prev_hash: bytes, record: Record, version: str = VERSION) -> bytes:
    """Return the hash of an entry: SHA-256 over its predecessor's hash and its own canonical form."""
    return hashlib.sha256(prev_hash + canonical(record, version)).digest()


def canonical_detail(detail: Mapping[str, str]) -> bytes:
    """Return evidence as PostgreSQL prints it as jsonb: shorter keys first, then by byte."""
    keys = sorted(detail, key=lambda key: (len(key.encode()), key.encode()))
    return json.dumps({key: detail[key] for key in keys}, ensure_ascii=False).encode()


def digest(salt: bytes, detail: Mapping[str, str]) -> bytes:
    """Return the digest that stands in the ledger for evidence kept beside it."""
    return hashlib.sha256(salt + canonical_detail(detail)).digest()


def words_digest(kind: str, language: str, version: int, text: str) -> str:
    """Return the digest, in hex, by which evidence names words that were shown: SHA-256 over all of them."""
    return hashlib.sha256(f"{kind}|{language}|{version}|{text}".encode()).hexdigest()


def _sql_text(name: str, expression: str) -> str:
    if name in TIMES:
        return f"coalesce((extract(epoch FROM {expression}) * 1000000)::bigint::text, '')"
    if name in DIGESTS:
        return f"coalesce(encode({expression}, 'hex'), '')"
    return f"coalesce(({expression})::text, '')"


def sql_link(prev_hash: str, expressions: Mapping[str, str], version: str = VERSION) -> str:
    """Return the SQL expression of ``link``, given SQL expressions for the columns of ``COLUMNS`` (absent: NULL).

    Expressions are code of ours, never anything given by a user. Raises ``KeyError`` for one that no entry lacks.
    """
    parts = [
        _sql_text(name, expressions[name]) if name in expressions or name in _REQUIRED else "''"
        for name in _FORMS[version]
    ]
    joined = " || '|' || ".join([f"'{version}'", *parts])
    return f"sha256({prev_hash} || convert_to({joined}, 'UTF8'))"


def sql_digest(salt: str, detail: str) -> str:
    """Return the SQL expression of ``digest`` over a jsonb expression."""
    return f"sha256({salt} || convert_to(({detail})::text, 'UTF8'))"


def sql_words_digest() -> str:
    """Return the SQL expression of ``words_digest`` over a row of ``wording``."""
    return "encode(sha256(convert_to(kind || '|' || language || '|' || version || '|' || text, 'UTF8')), 'hex')"
