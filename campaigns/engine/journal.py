"""The journal of one claim: what this process was about to do, and what came of it (promise 2 of the design).

A journal is a file ``var/journal/<claim id>.journal``. The process that sends holds an exclusive ``flock`` on it, so
whoever gets the lock knows that the owner is dead. It appears under its name, locked and with its header, before the
claim is committed, and is deleted after the results are: an open claim without a journal is one whose disk was lost.

Records are framed as ``length (u16) · payload · CRC-32 of payload (u32)``. One ``write`` makes one record, which is in
the kernel's hands afterwards and survives the death of the process. It may not survive that of the machine, so a
journal from before a restart counts as incomplete. A killed process can leave its last record cut, and it never began
what that one was about. A record damaged elsewhere makes the rest worth nothing; what such journals do not settle is
treated as if they were lost.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from app.mail.smtp import Kind, Outcome
from campaigns.services.write_back import ClaimRef, Result, result_of

_SUFFIX, _DRAFT = ".journal", ".new"
_INTENT, _SENT, _OUTCOME = b"I", b"S", b"O"
_LENGTH, _CRC, _CONTACT = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")
_SECONDS, _CODE = struct.Struct(">d"), struct.Struct(">H")
_LONGEST = 4096  # no record is longer; a length beyond it is damage, not a cut


def folder(var: Path) -> Path:
    """Return the folder of this host's journals, making it."""
    path = var / "journal"
    path.mkdir(parents=True, exist_ok=True)
    return path


@cache
def boot_id() -> str:
    """Return what tells this run of the machine from the ones before; blank where the kernel has no such thing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload + _CRC.pack(zlib.crc32(payload))


class Journal:
    """A claim's journal, held by the process that sends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    @classmethod
    def create(cls, var: Path, claim: ClaimRef) -> Journal:
        """Make the journal of a claim that is about to be committed."""
        path = folder(var) / f"{claim.id}{_SUFFIX}"
        draft = path.with_suffix(_DRAFT)
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        made = cls(path, descriptor)
        try:
            # Locked before it has its name: nobody can see it unlocked while its owner lives.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            made._append(json.dumps({"claim": claim.id, "campaign": claim.campaign_id, "boot": boot_id()}).encode())
            draft.rename(path)
        except OSError:
            made.release()
            raise
        return made

    def _append(self, payload: bytes) -> None:
        """Write one record. Raises OSError when not all of it could be written: nothing may follow a torn one."""
        frame = _frame(payload)
        if os.write(self._descriptor, frame) != len(frame):
            raise OSError(errno.ENOSPC, "the journal cannot be written: the disk is full", str(self._path))

    def intent(self, contact_id: int) -> None:
        """Record that the final dot of this contact's message is about to be written."""
        self._append(_INTENT + _CONTACT.pack(contact_id))

    def outcome(self, contact_id: int, outcome: Outcome) -> None:
        """Record what the relay said, or that nothing was tried."""
        head = _CONTACT.pack(contact_id) + _SECONDS.pack(outcome.at.timestamp())
        if outcome.kind is Kind.SENT:  # by far the most frequent: only its code matters
            self._append(_SENT + head + _CODE.pack(outcome.code))
            return
        told = [outcome.kind.value, outcome.code, outcome.enhanced, outcome.text[:500], outcome.bounce]
        self._append(_OUTCOME + head + json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))

    def delete(self) -> None:
        """Remove the journal: its results are committed, or its claim never was."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        self.release()

    def release(self) -> None:
        """Let go of the journal and leave it to ``reconcile``."""
        if self._descriptor >= 0:
            # Unlocked by hand: a child forked meanwhile shares the lock and would keep it.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass
class Found:
    """A journal whose owner is dead. ``campaign_id`` is None when not even the header can be read; ``incomplete``
    says that records may be missing: it is damaged, or the machine went down before they reached the disk."""

    path: Path
    claim_id: int
    campaign_id: int | None = None
    incomplete: bool = False
    results: dict[int, Result] = field(default_factory=dict)
    intents: set[int] = field(default_factory=set)  # without an outcome: nobody knows whether they were sent


class Abandoned:
    """An abandoned journal, locked by its reader; a context manager that gives ``Found``, or None while owned."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal: Journal | None = None

    def __enter__(self) -> Found | None:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        self._journal = Journal(self._path, descriptor)
        if not self._path.exists():  # its owner finished between our open and our lock
            return None
        return read(self._path)

    def __exit__(self, *_: object) -> None:
        if self._journal is not None:
            self._journal.release()


def abandoned(var: Path) -> list[Path]:
    """Return the journals on this host, oldest first; also those in use, which their lock tells apart."""
    return sorted(folder(var).glob(f"*{_SUFFIX}"), key=lambda path: int(path.stem))


def sweep_drafts(var: Path) -> None:
    """Delete drafts that never got their name: their claims were never committed."""
    for path in folder(var).glob(f"*{_DRAFT}"):
        with suppress(FileNotFoundError), path.open("rb") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            path.unlink()


def exists(var: Path, claim_id: int) -> bool:
    """Tell whether the journal of a claim is on this host."""
    return (folder(var) / f"{claim_id}{_SUFFIX}").exists()


def read(path: Path) -> Found:
    """Read a journal up to the first record that is cut or damaged."""
    found = Found(path, int(path.stem))
    payloads, found.incomplete = _records(path.read_bytes())
    if not payloads:
        found.incomplete = True
        return found
    header = json.loads(payloads[0])
    found.campaign_id = int(header["campaign"])
    found.incomplete |= header["boot"] != boot_id()
    for payload in payloads[1:]:
        (contact_id,) = _CONTACT.unpack_from(payload, 1)
        if payload[:1] == _INTENT:
            found.intents.add(contact_id)
        else:
            found.intents.discard(contact_id)
            found.results[contact_id] = _result(contact_id, payload)
    return found


def _records(data: bytes) -> tuple[list[bytes], bool]:
    """Return the payloads up to the first bad record, and whether that one is more than a cut tail."""
    payloads: list[bytes] = []
    at = 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        start, end = at + _LENGTH.size, at + _LENGTH.size + length
        if end + _CRC.size > len(data):
            return payloads, length > _LONGEST
        payload = data[start:end]
        if _CRC.unpack_from(data, end)[0] != zlib.crc32(payload):
            return payloads, True
        payloads.append(payload)
        at = end + _CRC.size
    return payloads, False


def _result(contact_id: int, payload: bytes) -> Result:
    start = 1 + _CONTACT.size
    (seconds,) = _SECONDS.unpack_from(payload, start)
    at, rest = datetime.fromtimestamp(seconds, UTC), payload[start + _SECONDS.size :]
    if payload[:1] == _SENT:
        (code,) = _CODE.unpack(rest)
        return result_of(contact_id, Kind.SENT, code=code, enhanced="", text="", bounce=None, at=at)
    kind, code, enhanced, text, bounce = json.loads(rest)
    return result_of(contact_id, Kind(kind), code=code, enhanced=enhanced, text=text, bounce=bounce, at=at)
