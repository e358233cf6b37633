"""The drainer: one process a host that moves the spool into ``event``.

Events are copied and the file's read position moved in one transaction, so that each hit is counted exactly once
whatever dies at whatever moment. Positions are always read from the database; nothing is remembered that could be
wrong after a lost answer to a COMMIT. A file is deleted when its writer has closed it and all of it is drained.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock, config, db, ids, log
from tracking.engine import spool
from tracking.engine.spool import Damage
from tracking.models import SpoolPosition
from tracking.policy.flood import Flood
from tracking.policy.hits import Hit, decode
from tracking.services.record import store

logger = log.get("tracking")

POLL_S = 0.2
MAX_WAIT_S = 10.0
TIDY_S = 3600.0
ROUND_BYTES = 4 << 20  # some 30,000 hits
AHEAD = timedelta(days=1)  # how far ahead of us another process's clock may be believed
KEEP_ASIDE = timedelta(days=7)  # set-aside bytes may name a client's address
KEEP_POSITIONS = timedelta(days=7)


@dataclass(frozen=True)
class Drained:
    """One round: bytes read, events kept, hits dropped (may not be recorded, or too many), records set aside."""

    bytes: int
    kept: int
    dropped: int
    aside: int


class Drainer:
    """Drains the spool files of one host."""

    def __init__(self, folder: Path, host: str) -> None:
        self._folder, self._host = folder, host
        self._flood = Flood()
        self._done: dict[str, int] = {}  # committed positions, only to see without the database where nothing is new

    def run(self, stop: threading.Event) -> None:
        """Drain until ``stop`` is set, then what is left. Waits for a database that is away."""
        wait, tidied = POLL_S, time.monotonic() - TIDY_S
        while True:
            last = stop.is_set()
            try:
                if time.monotonic() - tidied >= TIDY_S:
                    self.tidy()
                    tidied = time.monotonic()
                drained = self.drain()
            except (SQLAlchemyError, psycopg.Error, OSError) as error:
                logger.warning("drain_failed", error=f"{type(error).__name__}: {str(error)[:300]}")
                if last:
                    return
                stop.wait(wait)
                wait = min(wait * 2, MAX_WAIT_S)
                continue
            wait = POLL_S
            if drained.bytes == 0:
                if last:
                    return
                stop.wait(POLL_S)

    def drain(self) -> Drained:
        """Drain up to some 4 MB in one transaction, then delete the files that are finished with."""
        ready = self._waiting()
        if not ready:
            return Drained(0, 0, 0, 0)
        hits: list[Hit] = []
        damages: list[tuple[str, Damage]] = []
        ends: dict[Path, int] = {}
        moved = 0
        with db.unit_of_work() as session:
            positions = self._locked_positions(session, [path.name for path, _ in ready])
            for path, closed in ready:
                start = positions[path.name]
                read = _read(path, start, closed, ROUND_BYTES - moved)
                moved += read.end - start
                damages += [(path.name, damage) for damage in read.damages]
                ends[path] = read.end
                self._decode(path.name, read.frames, hits, damages)
                if moved >= ROUND_BYTES:
                    break
            bounded = self._flood.within(hits, clock.now().date())
            stored = store(session, bounded) if bounded else None
            self._set_aside(damages)
            for path, end in ends.items():
                session.execute(
                    SpoolPosition.__table__.update()  # type: ignore[attr-defined]
                    .where(SpoolPosition.spool == path.name)
                    .values(position=end, moved_at=func.now())
                )
        self._flood.note(bounded)
        self._done.update({path.name: end for path, end in ends.items()})
        self._delete_finished(ends)
        kept = stored.kept if stored else 0
        return Drained(moved, kept, len(hits) - kept, len(damages))

    def _waiting(self) -> list[tuple[Path, bool]]:
        """Return the files with something new, or finished, and whether their writer has closed them.

        Closed is asked first: a file found closed will not grow after it is read.
        """
        found = []
        for path in spool.files(self._folder, self._host):
            closed = spool.is_closed(path)
            if closed or path.stat().st_size > self._done.get(path.name, 0):
                found.append((path, closed))
        for name in set(self._done) - {path.name for path in spool.files(self._folder, self._host)}:
            del self._done[name]
        return found

    def _locked_positions(self, session: Session, names: Sequence[str]) -> dict[str, int]:
        """Return how far each file is drained, holding its row, so that no second drainer copies the same hits."""
        new = insert(SpoolPosition).values([{"spool": name, "position": 0} for name in names])
        session.execute(new.on_conflict_do_nothing())
        locked = (
            select(SpoolPosition.spool, SpoolPosition.position)
            .where(SpoolPosition.spool.in_(names))
            .order_by(SpoolPosition.spool)
            .with_for_update()
        )
        return {row.spool: row.position for row in session.execute(locked)}

    def _decode(
        self, name: str, frames: Sequence[spool.Frame], hits: list[Hit], damages: list[tuple[str, Damage]]
    ) -> None:
        latest_us = int((clock.now() + AHEAD).timestamp() * 1_000_000)
        for frame in frames:
            try:
                hits.append(decode(frame.payload, latest_us))
            except ValueError as error:
                damages.append((name, Damage(frame.offset, frame.payload, str(error))))

    def _set_aside(self, damages: Sequence[tuple[str, Damage]]) -> None:
        """Keep what is no event, with its place and the reason, for a person to look at."""
        if not damages:
            return
        aside = self._folder / "aside"
        aside.mkdir(exist_ok=True, mode=0o700)
        with (aside / f"{clock.now():%Y-%m-%d}.jsonl").open("a") as out:
            for name, damage in damages:
                logger.error("record_set_aside", spool=name, offset=damage.offset, reason=damage.reason)
                entry = {"spool": name, "offset": damage.offset, "reason": damage.reason, "hex": damage.data.hex()}
                out.write(json.dumps(entry) + "\n")

    def _delete_finished(self, ends: dict[Path, int]) -> None:
        for path, end in ends.items():
            if spool.is_closed(path) and path.stat().st_size == end:
                path.unlink()

    def tidy(self) -> None:
        """Forget positions of files long gone and delete set-aside records after a week."""
        before = clock.now() - KEEP_ASIDE
        for path in (self._folder / "aside").glob("*.jsonl"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
        present = [path.name for path in spool.files(self._folder, self._host)]
        with db.unit_of_work() as session:
            session.execute(
                SpoolPosition.__table__.delete().where(  # type: ignore[attr-defined]
                    SpoolPosition.spool.startswith(f"{self._host}-", autoescape=True),
                    SpoolPosition.spool.not_in(present),
                    SpoolPosition.moved_at < clock.now() - KEEP_POSITIONS,
                )
            )


def _read(path: Path, start: int, closed: bool, most: int) -> spool.Read:
    with path.open("rb") as opened:
        opened.seek(start)
        data = opened.read(max(most, 64 << 10))
        whole = closed and start + len(data) >= path.stat().st_size
    return spool.parse(data, start, final=whole)


def build() -> Drainer:
    """Return the drainer of this host, as the settings say."""
    settings = config.current()
    return Drainer(settings.var / "spool", ids.host_id(settings.var))
