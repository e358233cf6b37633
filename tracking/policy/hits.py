"""A hit: what the endpoint saw, as it travels through the spool in a compact binary form.

The client's address stays in the spool, which lives for minutes; it never reaches the database.
"""

from __future__ import annotations

import struct
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

# version, kind and flags, time in µs since 1970 (UTC), campaign, contact, link, bytes of the client's address
_HEAD = struct.Struct(">BBqIQHB")
_VERSION = 1
_CLICK, _HEAD_METHOD, _PREFETCH = 1, 2, 4
_NO_LINK = 0xFFFF
MAX_AGENT = 512
MAX_LINK = 32_766
_EARLIEST_US = 1_577_836_800_000_000  # 2020: before it, there was no such message
_MAX_CONTACT = 2**63 - 1
_MAX_CAMPAIGN = 2**31 - 1


class Hit(NamedTuple):
    """One request. ``at_us`` is microseconds since 1970 in UTC; ``contact_id`` 0 is nobody (campaign-wide link)."""

    at_us: int
    kind: str  # open or click
    campaign_id: int
    contact_id: int
    link_n: int | None
    method: str  # GET or HEAD
    hint: str  # prefetch, when the request said so, else empty
    address: str  # IP of the client, or empty
    agent: str  # User-Agent, printable ASCII


def encode(hit: Hit) -> bytes:
    """Return the payload of a hit. The agent is cut and made ASCII, so that no agent can look like a frame."""
    flags = (hit.kind == "click") | (hit.method == "HEAD") << 1 | (hit.hint == "prefetch") << 2
    address = _packed(hit.address)
    link = _NO_LINK if hit.link_n is None else hit.link_n
    head = _HEAD.pack(_VERSION, flags, hit.at_us, hit.campaign_id, hit.contact_id, link, len(address))
    return head + address + hit.agent[:MAX_AGENT].encode("ascii", "replace")


def decode(payload: bytes, latest_us: int) -> Hit:
    """Undo ``encode``. Raises ``ValueError`` with the reason for what cannot be an event.

    ``latest_us`` is the last believable time: a clock that ran ahead must not fill a partition of the future.
    """
    if len(payload) < _HEAD.size or payload[0] != _VERSION:
        raise ValueError("unknown form of record")
    _, flags, at_us, campaign_id, contact_id, link, length = _HEAD.unpack_from(payload)
    if not _EARLIEST_US <= at_us <= latest_us:
        raise ValueError("impossible time")
    if not 0 < campaign_id <= _MAX_CAMPAIGN or contact_id > _MAX_CONTACT:
        raise ValueError("impossible campaign or contact")
    click = bool(flags & _CLICK)
    if click and link > MAX_LINK:
        raise ValueError("impossible link")
    start = _HEAD.size + length
    return Hit(
        at_us,
        "click" if click else "open",
        campaign_id,
        contact_id,
        link if click else None,
        "HEAD" if flags & _HEAD_METHOD else "GET",
        "prefetch" if flags & _PREFETCH else "",
        _unpacked(payload[_HEAD.size : start]),
        payload[start:].decode("ascii", "replace"),
    )


def _packed(address: str) -> bytes:
    """Pack an IP address; ``inet_pton`` takes a tenth of the time of ``ipaddress``, and this is the hot path."""
    try:
        return inet_pton(AF_INET6 if ":" in address else AF_INET, address.partition("%")[0]) if address else b""
    except OSError:
        return b""


def _unpacked(packed: bytes) -> str:
    if len(packed) == 4:
        return inet_ntop(AF_INET, packed)
    return inet_ntop(AF_INET6, packed) if len(packed) == 16 else ""
