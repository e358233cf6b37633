"""Keeping an uploaded file where imports read it."""

from __future__ import annotations

from pathlib import Path

from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from app.core import ids
from app.customers.services.importing import forgetting


def kept(file: FileStorage, otherwise: str) -> Path:
    """Save an upload under a name that nobody can guess, and return where. ``otherwise`` names a nameless one."""
    path = forgetting.folder() / f"{ids.random_id()}-{secure_filename(file.filename or '')[-80:] or otherwise}"
    file.save(path, buffer_size=1 << 20)
    return path
