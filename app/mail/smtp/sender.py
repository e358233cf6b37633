"""The sender: one event loop over several kept-open, pipelined connections to one relay."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import ParamSpec, TypeVar

from app.core import clock
from app.mail.errors import LoginRefused, RelayError, RelayUnavailable, TlsRefused
from app.mail.replies import classify
from app.mail.smtp.connect import Opened, connect
from app.mail.smtp.connection import Connection
from app.mail.smtp.messages import Kind, Outcome, Outgoing, Wait
from app.mail.smtp.relay import Relay
from app.mail.smtp.reply import ProtocolError, Reply

_TICK = 0.25  # how often deadlines and the stop flag are looked at, seconds
_MAX_TRIES = 2  # a message whose connection broke before its dot is begun this often before it is given back
_OPEN_ATTEMPTS = 3
_SEND_BUFFER = 512 * 1024  # a whole message goes out in one system call
P = ParamSpec("P")
R = TypeVar("R")
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class _HookFailedError(Exception):
    """A callback or the source failed; kept apart from the errors of a connection."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _hook(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with its errors wrapped: a full disk must not look like a broken connection."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise _HookFailedError(error) from error

    return call


class Sender:
    """Hands messages from a source to a relay. Not thread-safe, except ``stop``.

    ``before_final(key)`` is called before the write that carries a message's final dot: the place to journal the
    intent (called again when that write failed before the dot and another connection tries). ``on_outcome`` is called
    once for every message pulled from a source.
    """

    def __init__(
        self,
        relay: Relay,
        connections: int = 4,
        *,
        before_final: Callable[[Hashable], None],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self.relay, self.size = relay, connections
        self._before_final, self._on_outcome = _hook(before_final), _hook(on_outcome)
        self._selector = selectors.DefaultSelector()
        self._live: set[Connection] = set()
        self._opening = 0
        self._opened: SimpleQueue[Opened | RelayError] = SimpleQueue()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._selector.register(self._wake_in, _READ, None)
        self._source: Iterator[Outgoing | Wait] = iter(())
        self._returned: deque[Outgoing] = deque()
        self._tries: dict[Hashable, int] = {}
        self._exhausted = True
        self._not_before = 0.0
        self._stop_at: float | None = None
        self._closed = False
        self._failed_opens = self._losses = 0
        self._retry_open_at = self._next_check = 0.0
        self._last_error: RelayError | None = None

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # For callers.
    def run(self, source: Iterator[Outgoing | Wait]) -> None:
        """Send all that ``source`` yields; return when everything is answered. Connections are kept for the next run.

        Raises RelayUnavailable, TlsRefused or LoginRefused when no connection can be had (all that was pulled has
        been given back as ``not_tried`` by then); what a callback or the source raises ends the run with all
        connections cut.
        """
        self._source, self._exhausted, self._not_before = source, False, 0.0
        self._forget_troubles()
        done = False
        try:
            self._drop_stale()
            while not self._finished():
                self._open_missing()
                self._feed()
                if not self._finished():
                    self._poll()
            done = True
        except _HookFailedError as failed:
            raise failed.error from None
        finally:
            if not done:
                for connection in list(self._live):
                    self._forget(connection)
            self._tries.clear()

    def stop(self, grace: float = 30.0) -> None:
        """Pull no more, wait ``grace`` seconds for what is past its dot, give back the rest. From any thread."""
        self._stop_at = time.monotonic() + grace
        with contextlib.suppress(OSError):
            self._wake_out.send(b"s")

    def close(self) -> None:
        """Say goodbye to the relay and free everything."""
        self._closed = True
        for connection in list(self._live):
            connection.quit()
        self._live.clear()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
        while True:
            try:
                late = self._opened.get_nowait()
            except Empty:
                return
            if isinstance(late, Opened):
                late.sock.close()

    # The loop.
    def _finished(self) -> bool:
        if self._stop_at is not None:
            return self._halt()
        busy = any(not c.idle for c in self._live)
        return self._exhausted and not self._returned and not busy

    def _halt(self) -> bool:
        """After ``stop``: give back what has not passed its dot; True when nothing is left to wait for."""
        assert self._stop_at is not None
        while self._returned:
            self._settle_locally(self._returned.popleft(), Kind.NOT_TRIED, "the sender was stopped")
        for connection in list(self._live):
            waiting = connection.past is not None
            if connection.envelope is not None and not waiting:
                self._cut(connection, "the sender was stopped")
            elif waiting and time.monotonic() >= self._stop_at:
                self._cut(connection, "the sender was stopped before the relay answered")
        return all(c.past is None for c in self._live)

    def _feed(self) -> None:
        """Begin a message on each idle connection."""
        for connection in list(self._live):
            if connection.closing and connection.past is None:
                self._retire(connection)
            elif connection.idle:
                message = self._next(connection)
                if message is None:
                    return
                self._guarded(connection, lambda c=connection, m=message: c.begin(m))  # type: ignore[misc]

    def _next(self, connection: Connection) -> Outgoing | None:
        """Return the next message that ``connection`` may carry, None when there is none now."""
        while self._stop_at is None:
            message = self._returned.popleft() if self._returned else self._pull()
            if message is None:
                return None
            refusal = connection.refusal(message)
            if refusal is None:
                return message
            self._settle(message, Kind.FAILED, refusal)
        return None

    def _pull(self) -> Outgoing | None:
        if self._exhausted or time.monotonic() < self._not_before:
            return None
        item = _hook(next)(self._source, None)
        if isinstance(item, Outgoing):
            return item
        if item is None:
            self._exhausted = True
        else:
            self._not_before = time.monotonic() + item.seconds
        return None

    def _poll(self) -> None:
        now = time.monotonic()
        timeout = _TICK
        if self._not_before > now and not self._exhausted:
            timeout = min(timeout, self._not_before - now)
        for key, mask in self._selector.select(timeout):
            connection = key.data
            if connection is None:
                self._woken()
            elif connection in self._live:
                self._guarded(connection, lambda c=connection, m=mask: self._serve(c, m))  # type: ignore[misc]
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _TICK
            for connection in [c for c in self._live if c.deadline < now]:
                self._losses += 1
                self._cut(connection, "the relay did not answer in time")

    def _serve(self, connection: Connection, mask: int) -> None:
        if mask & _WRITE:
            connection.flush()
        if mask & _READ:
            connection.receive()
        if connection.ready and self._stop_at is None:
            message = connection.envelope
            assert message is not None
            following = None if connection.closing else self._next(connection)
            self._before_final(message.key)
            connection.send_data(following)
        elif connection.idle and (message := self._next(connection)) is not None:
            connection.begin(message)
        if connection.closing and connection.past is None:
            self._retire(connection)

    def _guarded(self, connection: Connection, action: Callable[[], None]) -> None:
        """Run ``action``; when the connection breaks in it, settle what it carried."""
        try:
            action()
        except (OSError, ProtocolError) as error:
            self._losses += 1
            self._cut(connection, str(error) or type(error).__name__)
            return
        if connection in self._live:
            self._selector.modify(connection.sock, _READ | (_WRITE if connection.wants_write else 0), connection)

    # Connections.
    def _forget_troubles(self) -> None:
        self._failed_opens = self._losses = 0
        self._retry_open_at = self._next_check = 0.0
        self._last_error = None

    def _open_missing(self) -> None:
        if self._stop_at is not None or (self._exhausted and not self._returned):
            return
        if self._losses > 3 * self.size:
            self._surrender(RelayUnavailable(f"The relay {self.relay.name} breaks each connection off."))
        if self._failed_opens and not self._live and not self._opening:
            error = self._last_error
            assert error is not None
            if isinstance(error, TlsRefused | LoginRefused) or self._failed_opens >= _OPEN_ATTEMPTS:
                self._surrender(error)
        if time.monotonic() < self._retry_open_at:
            return
        while len(self._live) + self._opening < self.size:
            self._opening += 1
            threading.Thread(target=self._open, name=f"open {self.relay.name}", daemon=True).start()

    def _open(self) -> None:
        """Open one connection (in its own thread) and wake the loop."""
        result: Opened | RelayError
        try:
            result = connect(self.relay)
        except RelayError as error:
            result = error
        except Exception as error:  # a thread must not die silently and leave the loop waiting
            result = RelayUnavailable(f"The relay {self.relay.name} cannot be used: {error}")
        if self._closed and isinstance(result, Opened):
            result.sock.close()
            return
        self._opened.put(result)
        with contextlib.suppress(OSError):
            self._wake_out.send(b"o")

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_in.recv(4096)
        while True:
            try:
                result = self._opened.get_nowait()
            except Empty:
                return
            self._opening -= 1
            if isinstance(result, Opened):
                self._admit(result)
            else:
                self._last_error = result
                self._failed_opens += 1
                self._retry_open_at = time.monotonic() + min(0.2 * 2**self._failed_opens, 30)

    def _admit(self, opened: Opened) -> None:
        self._failed_opens = 0
        opened.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        connection = Connection(opened, self._settle, self.relay.timeout, self.relay.final_timeout)
        self._live.add(connection)
        self._selector.register(connection.sock, _READ, connection)

    def _drop_stale(self) -> None:
        """Close connections that the relay ended while we had nothing to say."""
        if self._live:
            for key, _ in self._selector.select(0):
                if isinstance(key.data, Connection):
                    self._forget(key.data)

    def _forget(self, connection: Connection) -> None:
        if connection in self._live:
            self._live.discard(connection)
            self._selector.unregister(connection.sock)
            connection.close()

    def _retire(self, connection: Connection) -> None:
        """Close a connection after a 421. It counts as a loss, cleared by the next success: no endless hammering."""
        self._losses += 1
        # Each connection may be at its end just when it is this message's turn, which is no fault of the message.
        self._cut(connection, "the relay closed the connection (421)", tries=_MAX_TRIES + self.size)

    def _cut(self, connection: Connection, reason: str, *, tries: int = _MAX_TRIES) -> None:
        """Close a connection and settle what it carried: unknown past the dot, else back to the others."""
        self._forget(connection)
        if connection.past is not None:
            if connection.dot_written:
                self._settle_locally(connection.past, Kind.UNKNOWN, reason)
            else:
                self._give_back(connection.past, reason, tries)
        if connection.envelope is not None:
            self._give_back(connection.envelope, reason, tries)
        connection.past = connection.envelope = None

    def _give_back(self, message: Outgoing, reason: str, most: int) -> None:
        tries = self._tries[message.key] = self._tries.get(message.key, 0) + 1
        if tries < most and self._stop_at is None:
            self._returned.append(message)
        else:
            self._settle_locally(message, Kind.NOT_TRIED, reason)

    def _surrender(self, error: RelayError) -> None:
        for connection in list(self._live):
            self._cut(connection, str(error))
        while self._returned:
            self._settle_locally(self._returned.popleft(), Kind.NOT_TRIED, str(error))
        raise error

    # Outcomes.
    def _settle(self, message: Outgoing, kind: Kind, reply: Reply) -> None:
        if kind is Kind.SENT:
            self._losses = 0
        self._on_outcome(
            Outcome(
                message.key,
                kind,
                reply.code,
                reply.enhanced,
                reply.text,
                classify(reply.code, reply.enhanced, reply.text),
                clock.now(),
            )
        )

    def _settle_locally(self, message: Outgoing, kind: Kind, reason: str) -> None:
        self._on_outcome(Outcome(message.key, kind, 0, "", reason, None, clock.now()))
