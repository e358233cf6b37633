"""Scanned documents that prove something, kept under ``var/scans`` by their SHA-256, never changed, only dropped."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import puremagic
from flask_babel import gettext as _

from app.core import config
from app.core.errors import InvalidInput, NotFound
from consent.policy.paper import LARGEST, TYPES


@dataclass(frozen=True)
class Scan:
    """A kept document: hexadecimal SHA-256, media type as its content shows it, and bytes."""

    sha256: str
    media_type: str
    size: int


def keep(content: bytes) -> Scan:
    """Keep a document and return what it is. Raises ``InvalidInput`` (field ``scan``) for what is none."""
    if len(content) > LARGEST:
        raise InvalidInput(_("The scan is larger than %(most)s MB.", most=LARGEST // 2**20), field="scan")
    media_type = _sniffed(content)
    if media_type not in TYPES:
        raise InvalidInput(_("The scan must be a PDF, a PNG or a JPEG picture."), field="scan")
    sha256 = hashlib.sha256(content).hexdigest()
    path = _path(sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return Scan(sha256, media_type, len(content))


def load(sha256: str) -> bytes:
    """Return a kept document. Raises ``NotFound`` when it is not there, or is not any more what it was."""
    path = _path(sha256)
    content = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NotFound(_("The scan is not on this host, or was changed since."))
    return content


def drop(sha256: str) -> None:
    """Delete a document for good; nothing happens when it is not there."""
    _path(sha256).unlink(missing_ok=True)


def _sniffed(content: bytes) -> str:
    """The type by what the bytes are; what a browser or a name says counts for nothing."""
    try:
        return str(puremagic.from_string(content[:4096], mime=True))
    except (puremagic.PureError, ValueError):
        return ""


def _path(sha256: str) -> Path:
    return config.current().var / "scans" / sha256[:2] / sha256
