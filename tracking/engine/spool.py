"""The spool: what makes a hit durable before it is answered, without a database.

Each web process appends to a file of its own, ``var/spool/<host>-<pid>-<start>.spool``, by one ``write`` a hit. A
hit survives the death of any process; with SPOOL_FSYNC it survives a power cut too. A frame is::

    magic E5 9E | length, 2 bytes | CRC-32 of the payload, 4 bytes | payload

The magic is not ASCII and payloads carry only ASCII from outside, so that a reader that met damage finds the next
frame by its magic and nobody can plant one. A writer holds ``flock`` on its file: who can take that lock knows that
nothing more is coming. Files are closed at a size or an age, so that the drainer can delete them within minutes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from app.core import clock

MAGIC = b"\xe5\x9e"
_FRAME = struct.Struct(">2sHI")
SUFFIX = ".spool"


def frame(payload: bytes) -> bytes:
    """Return ``payload`` framed."""
    return _FRAME.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


class Spool:
    """The spool file of this process; safe for threads and forks."""

    def __init__(
        self,
        folder: Path,
        host: str,
        *,
        max_bytes: int = 32 << 20,
        max_age: float = 60.0,
        fsync: bool = False,
    ) -> None:
        self._folder, self._host = folder, host
        self._max_bytes, self._max_age, self._fsync = max_bytes, max_age, fsync
        self._lock = threading.Lock()
        self._fd = -1
        self._size = 0
        os.register_at_fork(after_in_child=self._forked)

    def append(self, payload: bytes) -> None:
        """Write one hit. Raises ``OSError`` when it could not be written whole (disk full, no permission)."""
        data = frame(payload)
        with self._lock:
            if self._fd < 0:
                self._open()
            written = os.write(self._fd, data)
            self._size += written
            if self._fsync:
                os.fdatasync(self._fd)
            if written < len(data):
                # The torn frame stays; the reader skips it. The next hit begins a file of its own.
                self._close()
                raise OSError(errno.ENOSPC, "the spool took only a part of a hit")
            if self._size >= self._max_bytes:
                self._close()

    def close(self) -> None:
        """Close the file; the next hit opens another."""
        with self._lock:
            self._close()

    def _open(self) -> None:
        """Make a new file. It gets its name only after it is locked, so that the drainer never takes it for done."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{self._host}-{os.getpid()}-{int(clock.now().timestamp() * 1e6)}"
        draft = self._folder / f"{name}.new"
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        draft.rename(self._folder / f"{name}{SUFFIX}")
        self._fd, self._size = fd, 0
        ageing = threading.Timer(self._max_age, self._expire, [fd])
        ageing.daemon = True
        ageing.start()

    def _expire(self, fd: int) -> None:
        with self._lock:
            if self._fd == fd:
                self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _forked(self) -> None:
        """Leave the file to the parent; its lock goes on, because the parent's descriptor does."""
        self._lock = threading.Lock()
        self._close()


# Reading


class Frame(NamedTuple):
    """A whole, undamaged frame at ``offset`` of its file."""

    offset: int
    payload: bytes


class Damage(NamedTuple):
    """Bytes that are no frame."""

    offset: int
    data: bytes
    reason: str


@dataclass(frozen=True)
class Read:
    """What one reading gave; the file is done up to ``end``."""

    frames: list[Frame]
    damages: list[Damage]
    end: int


def parse(data: bytes, start: int, *, final: bool) -> Read:
    """Read the frames in ``data``, which begins at ``start`` of its file.

    ``final`` says that nothing will follow: then an incomplete last frame is damage, else it is left for later.
    """
    frames: list[Frame] = []
    damages: list[Damage] = []
    at, size = 0, len(data)
    unpack = _FRAME.unpack_from
    while at < size:
        if at + 8 <= size:
            magic, length, checksum = unpack(data, at)
            end = at + 8 + length
            if magic == MAGIC and end <= size:
                payload = data[at + 8 : end]
                if zlib.crc32(payload) == checksum:
                    frames.append(Frame(start + at, payload))
                    at = end
                    continue
        following = _next_frame(data, at + 1)
        if following is None:
            if not final and data.startswith(MAGIC[: size - at], at):
                break  # perhaps a frame that is being written
            following = size
        damages.append(Damage(start + at, data[at:following], "torn or altered"))
        at = following
    return Read(frames, damages, start + at)


def _next_frame(data: bytes, at: int) -> int | None:
    """Return where the next whole and undamaged frame begins, or None."""
    while (at := data.find(MAGIC, at)) >= 0 and at + 8 <= len(data):
        _, length, checksum = _FRAME.unpack_from(data, at)
        payload = data[at + 8 : at + 8 + length]
        if len(payload) == length and zlib.crc32(payload) == checksum:
            return at
        at += 1
    return None


def files(folder: Path, host: str) -> Iterator[Path]:
    """Yield the spool files of ``host``, oldest first."""
    found = folder.glob(f"{host}-*{SUFFIX}")
    yield from sorted(found, key=lambda path: path.stem.rpartition("-")[2])


def is_closed(path: Path) -> bool:
    """Tell whether the writer of ``path`` has closed it or died: nothing more will be written."""
    with path.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Backlog:
    """What waits on this host's disk: files, bytes (drained ones not yet deleted included)."""

    files: int
    bytes: int


def backlog(folder: Path, host: str) -> Backlog:
    """Return how much lies in the spool of ``host``."""
    sizes = [path.stat().st_size for path in files(folder, host)]
    return Backlog(len(sizes), sum(sizes))
