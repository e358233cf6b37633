"""The pump: claims messages of one campaign, writes, signs and sends them, and writes the results back.

The main thread renders, signs and speaks SMTP in one event loop. One helper thread claims the next batch while this
one flows and writes finished ones back; another looks twice a second whether the campaign is still to be sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg

from app.brands.queries.sending import RelayInfo
from app.core import config, db, valkey
from app.core.db import unit_of_work
from app.mail.errors import RelayError
from app.mail.smtp import Outcome, Outgoing, Relay, Sender, Wait
from app.mail.throttle import Bucket
from campaigns.engine import hosts
from campaigns.engine.batch import Batch, Flight
from campaigns.engine.journal import Journal
from campaigns.engine.lanes import Turn, Turns
from campaigns.engine.mailing import Mailing
from campaigns.policy import CampaignStatus
from campaigns.services.claim import Claimer, lanes_with_work
from campaigns.services.write_back import write_back

MAX_CLAIM = 500
FIRST_CLAIM = 100
FRESH = 2.5  # seconds of sending that one claim may hold, because the next one is claimed meanwhile
LOOK = 0.5  # seconds between looks at the campaign's status
GRACE = 30.0  # seconds to wait for replies to what is past its final dot


@dataclass
class Report:
    """What one run did: messages by the state they went to, and why it ended early, if it did."""

    states: dict[str, int] = field(default_factory=dict)
    skipped: int = 0
    stopped: bool = False
    exhausted: bool = False  # nothing was left to claim
    problem: RelayError | None = None

    def add(self, states: dict[str, int]) -> None:
        """Count what one claim achieved."""
        for state, count in states.items():
            self.states[state] = self.states.get(state, 0) + count


class Pump:
    """One run over one campaign, of at most about ``seconds``."""

    def __init__(self, campaign_id: int, *, seconds: float = 20.0) -> None:
        settings = config.current()
        self._campaign_id, self._var = campaign_id, settings.var
        with unit_of_work() as session:
            host = hosts.seen(session)
            self._mailing = Mailing(session, campaign_id, host)
            self._turns = Turns(lanes_with_work(session, campaign_id, self._mailing.relay.id))
        self._claimer = Claimer(self._mailing.scope)
        self._allowance = _Allowance(self._mailing.relay)
        self._sender = Sender(
            # The name is given, because asking the resolver for it can take seconds.
            Relay.from_url(self._mailing.relay.url, helo=urlsplit(settings.base_url).hostname or ""),
            settings.send_connections,
            before_final=self._intend,
            on_outcome=self._settle,
        )
        self._helper = ThreadPoolExecutor(1, "claims")
        self._ends = time.monotonic() + seconds
        self._stopping = threading.Event()
        self._coming: Future[Batch | float | None] | None = None
        self._live: set[Batch] = set()
        self._failure: Exception | None = None
        self._report = Report()

    def run(self) -> Report:
        """Send until the time is up, nothing is due, or the campaign is no longer to be sent.

        Raises what kept it from claiming or writing back; the journals hold those results, and ``reconcile`` brings
        them home.
        """
        with self._helper, self._sender, self._watch():
            try:
                self._sender.run(self._source())
            except RelayError as error:
                self._report.problem = error
            finally:
                self._bring_home()
        if self._failure is not None:
            raise self._failure
        return self._report

    # The source of the sender, in the main thread.
    def _source(self) -> Iterator[Outgoing | Wait]:
        self._claim_next()
        while not self._stopping.is_set() and self._coming is not None:
            while not self._coming.done():
                yield Wait(0.002)
            claimed = self._arrived()
            if time.monotonic() < self._ends and claimed is not None:
                self._claim_next()
            if isinstance(claimed, float):
                yield Wait(claimed)
            elif claimed is not None:
                yield from claimed.outgoing(self._mailing)
                self._finish(claimed)

    def _claim_next(self) -> None:
        self._coming = self._helper.submit(self._claim)

    def _arrived(self) -> Batch | float | None:
        """Take what the helper claimed. A failure ends the source quietly, so that what flies can land."""
        coming, self._coming = self._coming, None
        assert coming is not None
        try:
            claimed = coming.result()
        except Exception as error:
            self._fail(error)
            return None
        if isinstance(claimed, Batch):
            self._live.add(claimed)
        return claimed

    # What the sender reports, in the main thread.
    def _intend(self, key: Hashable) -> None:
        assert isinstance(key, Flight)
        key.batch.intend(key.contact_id)

    def _settle(self, outcome: Outcome) -> None:
        flight = outcome.key
        assert isinstance(flight, Flight)
        flight.batch.settle(flight.contact_id, outcome)
        self._allowance.count()
        self._finish(flight.batch)

    def _finish(self, batch: Batch) -> None:
        """Have a batch written back once all its messages have a result."""
        if batch.complete and batch in self._live:
            self._live.discard(batch)
            self._helper.submit(self._write_back, batch)

    def _bring_home(self) -> None:
        """Give up what is left of every batch, also of one that was claimed and never begun."""
        self._stopping.set()
        if self._coming is not None:
            self._arrived()
        for batch in list(self._live):
            batch.give_up()
            self._finish(batch)

    # Claiming and writing back, in the helper thread.
    def _claim(self) -> Batch | float | None:
        """Return the next batch, the seconds to wait before asking again, or None when nothing is due."""
        while not self._stopping.is_set() and (turn := self._turns.current) is not None:
            granted = self._allowance.take()
            if granted == 0:
                return 0.1
            batch = self._take(turn, granted)
            if batch is not None:
                return batch
        self._report.exhausted = self._turns.current is None
        return None

    def _take(self, turn: Turn, limit: int) -> Batch | None:
        journal: Journal | None = None
        try:
            with unit_of_work() as session:
                taken = self._claimer.claim(session, turn.lane, limit, after=turn.after)
                if taken.claim is not None:
                    journal = Journal.create(self._var, taken.claim)
        except BaseException:
            if journal is not None:
                journal.release()  # whether the commit happened is not known here; ``reconcile`` finds out
            raise
        self._allowance.give_back(limit - len(taken.recipients))
        self._turns.took(turn, taken.last)
        self._report.skipped += taken.skipped
        if taken.claim is None or journal is None:
            return None
        return Batch(taken.claim, journal, list(taken.recipients))

    def _write_back(self, batch: Batch) -> None:
        try:
            with unit_of_work() as session:
                written = write_back(session, batch.claim, list(batch.results.values()))
        except Exception as error:
            batch.journal.release()
            self._fail(error)
        else:
            batch.journal.delete()
            self._report.add(written.states)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._halt()

    # Stopping.
    def _halt(self) -> None:
        self._stopping.set()
        self._sender.stop(GRACE)

    @contextmanager
    def _watch(self) -> Iterator[None]:
        """Halt as soon as the campaign is paused or cancelled, or the database can no longer tell."""
        over = threading.Event()

        def look() -> None:
            try:
                with db.raw(autocommit=True) as connection:
                    while not over.wait(LOOK):
                        row = connection.execute(_STATUS, [self._campaign_id]).fetchone()
                        if row is None or row[0] != CampaignStatus.SENDING:
                            self._report.stopped = True
                            return self._halt()
            except psycopg.Error as error:
                self._fail(error)

        watcher = threading.Thread(target=look, name="watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


_STATUS = "SELECT status FROM campaign WHERE id = %s"


class _Allowance:
    """How many messages the next claim may take: as many as go out in ``FRESH`` seconds, within the relay's rate."""

    def __init__(self, relay: RelayInfo) -> None:
        self._bucket: Bucket | None = None
        self._rate, self._began, self._done = relay.rate, time.monotonic(), 0
        if relay.rate > 0:
            burst = max(1, min(MAX_CLAIM, int(relay.rate * FRESH)))
            self._bucket = Bucket(valkey.client(), f"relay:{relay.id}", relay.rate, burst)

    def count(self) -> None:
        """Note that one message has its outcome."""
        self._done += 1

    def take(self) -> int:
        """Return how many may be claimed; 0 means to wait."""
        wanted = self._fresh()
        return wanted if self._bucket is None else self._bucket.take(min(wanted, self._bucket.burst))

    def give_back(self, count: int) -> None:
        """Return what was taken and found no message."""
        if self._bucket is not None:
            self._bucket.give_back(count)

    def _fresh(self) -> int:
        if not self._done:
            return FIRST_CLAIM
        observed = self._done / max(time.monotonic() - self._began, 0.001)
        return max(10, min(MAX_CLAIM, int(observed * FRESH)))
