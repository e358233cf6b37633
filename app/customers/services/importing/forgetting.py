"""Forgetting what an import leaves behind: uploaded files and refused rows are personal data without a use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock, config
from app.customers.policy.dialect import guess_encoding
from app.customers.queries.imports import BatchInfo

FILES_KEPT = timedelta(days=30)
REJECTS_KEPT = timedelta(days=90)
CHANGES_KEPT = timedelta(days=30)  # what was there before: as long as an import can be undone
_CHUNK = 1 << 20


def folder() -> Path:
    """Return where uploaded files are kept, made when it is not there."""
    path = config.current().var / "imports"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def forget_file(batch: BatchInfo) -> None:
    """Delete the uploaded file of an import that is done; a file that somebody named on the command line is theirs."""
    for path in {Path(batch.path), Path(batch.original or batch.path)}:
        if batch.status == "done" and not batch.dry_run and path.parent == folder():
            path.unlink(missing_ok=True)


def forget_uploads(addresses: Collection[str], busy: Collection[str]) -> None:
    """Delete uploads that name one of these addresses, but those at the paths ``busy``: they run, refuse the row, and
    are deleted at their end. The imports of the others ask for the file anew."""
    wanted = [text.lower() for text in addresses]
    for path in folder().iterdir():
        # An import that ends meanwhile deletes its file itself.
        with suppress(FileNotFoundError):
            if path.is_file() and str(path) not in busy and _names(path, wanted):
                path.unlink()


def _names(path: Path, wanted: Sequence[str]) -> bool:
    """Tell whether a file holds one of the lower-case texts; a spreadsheet may, and was read into rows long ago."""
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            return True
        file.seek(0)
        encoding = guess_encoding(iter(lambda: file.read(_CHUNK), b""))
    longest, tail = max(map(len, wanted), default=0), ""
    with path.open(encoding=encoding, errors="replace", newline="") as readable:
        while piece := readable.read(_CHUNK):
            held = tail + piece.lower()
            if any(text in held for text in wanted):
                return True
            tail = held[-longest:]
    return False


def forget_old(session: Session) -> None:
    """Delete uploads nobody finished and refused rows nobody mended in time."""
    now = clock.now()
    session.execute(
        text(
            "DELETE FROM import_reject r USING import_batch b WHERE b.id = r.batch_id AND b.created_at < :before"
            " AND b.status NOT IN ('running', 'stopping')"
        ),
        {"before": now - REJECTS_KEPT},
    )
    before = {"before": now - CHANGES_KEPT}
    session.execute(
        text(
            "DELETE FROM import_change c USING import_batch b WHERE b.id = c.batch_id AND b.created_at < :before"
            " AND b.status <> 'undoing'"
        ),
        before,
    )
    session.execute(
        text("UPDATE import_batch SET preview = '[]' WHERE created_at < :before AND preview <> '[]'"), before
    )
    for path in folder().iterdir():
        if path.stat().st_mtime < (now - FILES_KEPT).timestamp():
            path.unlink(missing_ok=True)
