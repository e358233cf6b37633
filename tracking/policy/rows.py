"""Hits as rows of ``event``, in the binary form of PostgreSQL's COPY: packed numbers, and words written once a kind.

The form is described in PostgreSQL's manual under COPY, "Binary Format". Text would cost three times the time here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from tracking.policy import classify
from tracking.policy.clients import NOBODY, Client, client_of
from tracking.policy.hits import Hit

BLOCK = 500
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_COLUMNS = 16
# Number of columns; then at, id, batch_id, campaign_id, classifier, each after its length.
_FIXED = struct.Struct("!h iq iq iq ii ih")
_LONG, _WORD, _SHORT = struct.Struct("!iq"), struct.Struct("!ii"), struct.Struct("!ih")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POSTGRES_EPOCH_US = (datetime(2000, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def binary_rows(hits: Sequence[Hit], batch_id: int, sent: Mapping[tuple[int, int], datetime | None]) -> Iterator[bytes]:
    """Yield the binary COPY of ``hits``: at, id, batch_id, campaign_id, classifier, contact_id, link_n, delay_s, then
    the words kind, method, agent_family, network_class, device, hint, label, label_reason.

    ``sent`` says when the message of (campaign, contact) was sent; a delay that is not known yet is null.
    """
    sent_us = {pair: None if at is None else (at - _EPOCH) // _MICROSECOND for pair, at in sent.items()}
    yield _HEADER
    for start in range(0, len(hits), BLOCK):
        yield b"".join(
            _row(hit, batch_id, (batch_id << 20) + start + place, sent_us.get((hit.campaign_id, hit.contact_id)))
            for place, hit in enumerate(hits[start : start + BLOCK])
        )
    yield _TRAILER


def _row(hit: Hit, batch_id: int, event_id: int, sent_us: int | None) -> bytes:
    at_us, kind, campaign_id, contact_id, link_n, method, hint, address, agent = hit
    delay = None if sent_us is None else max(0, (at_us - sent_us) // 1_000_000)
    client = client_of(agent, address)
    label, reason = classify.own(kind, method, client.family, hint, delay)
    if not contact_id:
        client = NOBODY  # the click of somebody untracked: counted, and nothing else known
    at = at_us - _POSTGRES_EPOCH_US
    return b"".join(
        (
            _FIXED.pack(_COLUMNS, 8, at, 8, event_id, 8, batch_id, 4, campaign_id, 2, classify.VERSION),
            _LONG.pack(8, contact_id) if contact_id else _NULL,
            _NULL if link_n is None else _SHORT.pack(2, link_n),
            _NULL if delay is None else _WORD.pack(4, delay),
            _words(kind, method, client, hint, label, reason),
        )
    )


@lru_cache(maxsize=4096)
def _words(kind: str, method: str, client: Client, hint: str, label: str, reason: str) -> bytes:
    words = (kind, method, client.family, client.network, client.device, hint, str(label), reason)
    return b"".join(struct.pack("!i", len(word)) + word.encode("ascii") for word in words)
