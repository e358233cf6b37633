"""What stands in a list of addresses that another system hands over: an address, or its SHA-256 or MD5. All pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.core.secrets import address_sha256
from app.customers.policy.address import Normaliser

_SHA256 = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.I)
_MD5 = re.compile(r"(?:md5:)?([0-9a-f]{32})", re.I)
_SHA1 = re.compile(r"(?:sha-?1:)?[0-9a-f]{40}", re.I)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list. Of an address key and SHA-256 are known, of a hash only itself."""

    address_key: bytes | None = None
    sha256: bytes | None = None
    md5: bytes | None = None


class ListReader:
    """Reads cells, remembering the domains it met."""

    def __init__(self) -> None:
        self._normalise = Normaliser()

    def read(self, cell: str) -> Listed:
        """Return what a cell stands for. Raises ``InvalidInput`` saying what is wrong with it."""
        text = cell.strip().strip("'\"").strip()
        if "@" in text:
            address = self._normalise(text)
            return Listed(address.address_key, address_sha256(address.email_key))
        if found := _SHA256.fullmatch(text):
            return Listed(sha256=bytes.fromhex(found[1]))
        if found := _MD5.fullmatch(text):
            return Listed(md5=bytes.fromhex(found[1]))
        if _SHA1.fullmatch(text):
            raise InvalidInput(_("This is a SHA-1 digest: ask for SHA-256 or MD5."))
        raise InvalidInput(_("This is no address, SHA-256 or MD5."))


def is_listed(cell: str) -> bool:
    """Tell whether a cell may stand for an address."""
    text = cell.strip().strip("'\"").strip()
    return (
        any(kind.fullmatch(text) for kind in (_SHA256, _MD5, _SHA1))
        or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) is not None
    )


def column_of(rows: Sequence[Sequence[str]]) -> int:
    """Return the index of the column that holds addresses or digests in most rows. Raises ``InvalidInput``."""
    width = max((len(row) for row in rows), default=0)
    counts = [sum(len(row) > index and is_listed(row[index]) for row in rows) for index in range(width)]
    if not any(counts):
        raise InvalidInput(_("No column holds addresses, SHA-256 or MD5 digests."), field="file")
    return counts.index(max(counts))
