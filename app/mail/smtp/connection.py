"""One pipelined connection as a state machine (RFC 5321, 2920), without knowing when its socket is ready.

In the write that carries a message's final dot ride the next message's MAIL, RCPT and DATA, so that a message costs one
round trip. At most one message is past its dot: the one whose fate is unknown if the connection dies.
"""

from __future__ import annotations

import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from app.mail.smtp.connect import Opened
from app.mail.smtp.messages import Kind, Outgoing
from app.mail.smtp.reply import ProtocolError, Reply, ReplyReader

_CHUNK = 16_384  # one TLS record: a send then is written whole or not at all, and ``_written`` is exact
_ADDRESS = re.compile(r"[^\x00-\x1f\x7f<>]*")

Settle = Callable[[Outgoing, Kind, Reply], None]


class Step(Enum):
    """The command a reply is due for."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()
    EMPTY_DOT = auto()
    RESET = auto()


class Connection:
    """Holds at most two messages: ``past`` (after its dot) and ``envelope`` (before). ``settle`` reports fates."""

    def __init__(self, opened: Opened, settle: Settle, timeout: float, final_timeout: float) -> None:
        self.sock, self._opened, self._settle = opened.sock, opened, settle
        self._timeout, self._final_timeout = timeout, final_timeout
        self.past: Outgoing | None = None
        self.envelope: Outgoing | None = None
        self.ready = False  # the server waits for the data of ``envelope``
        self.closing = False  # the server said 421: nothing more goes here
        self.deadline = float("inf")
        self._refused: Reply | None = None
        self._rcpt_taken = False
        self._due: deque[Step] = deque()
        self._reader = ReplyReader()
        self._out: deque[memoryview] = deque()
        self._queued = self._written = self._dot_at = 0
        self._is_tls = isinstance(self.sock, ssl.SSLSocket)
        self.sock.setblocking(False)

    # State.
    @property
    def idle(self) -> bool:
        """Nothing under way: a message may begin."""
        return self.envelope is None and self.past is None and not self._due and not self.closing

    @property
    def free(self) -> bool:
        """No envelope under way: with the next data, or at once, another may begin."""
        return self.envelope is None

    @property
    def wants_write(self) -> bool:
        return bool(self._out)

    @property
    def dot_written(self) -> bool:
        """Tell whether the final dot of ``past`` has left for the network."""
        return self._written >= self._dot_at

    def refusal(self, message: Outgoing) -> Reply | None:
        """Return why ``message`` can never go over this connection, or None."""
        for address in (message.mail_from, message.rcpt_to):
            if not _ADDRESS.fullmatch(address):
                return Reply(553, "5.1.3 The address has characters that SMTP cannot carry.")
            if not address.isascii() and "SMTPUTF8" not in self._opened.extensions:
                return Reply(553, "5.6.7 The relay does not take addresses with characters beyond ASCII (SMTPUTF8).")
        size = sum(map(len, message.data))
        if 0 < self._opened.max_size < size:
            return Reply(552, f"5.3.4 The message has {size} bytes; the relay takes {self._opened.max_size}.")
        return None

    # Writing.
    def begin(self, message: Outgoing) -> None:
        """Start the dialogue for ``message`` on an idle connection."""
        self._queue(self._start(message))
        self.flush()

    def send_data(self, following: Outgoing | None) -> None:
        """Write the data of ``envelope`` with its final dot, and the start of ``following``."""
        message = self.envelope
        assert message is not None and self.ready
        self.envelope, self.past, self.ready = None, message, False
        self._due.append(Step.DOT)
        data = b"".join(message.data)
        end = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
        self._dot_at = self._queued + len(data) + len(end)
        start = self._start(following) if following is not None and self._opened.pipelining else b""
        if following is not None and not start:
            self.envelope = following  # lock-step: it begins when the dot is answered
        self._queue(data + end + start)
        self.deadline = time.monotonic() + self._final_timeout
        self.flush()

    def _start(self, message: Outgoing) -> bytes:
        self.envelope, self._refused, self.ready, self._rcpt_taken = message, None, False, False
        self.deadline = time.monotonic() + self._timeout
        if self._opened.pipelining:
            self._due.extend((Step.MAIL, Step.RCPT, Step.DATA))
            return self._mail(message) + b"RCPT TO:<%b>\r\nDATA\r\n" % message.rcpt_to.encode()
        self._due.append(Step.MAIL)
        return self._mail(message)

    def _mail(self, message: Outgoing) -> bytes:
        line = b"MAIL FROM:<%b>" % message.mail_from.encode()
        extensions = self._opened.extensions
        if "SIZE" in extensions:
            line += b" SIZE=%d" % sum(map(len, message.data))
        if not (message.mail_from.isascii() and message.rcpt_to.isascii()):
            line += b" SMTPUTF8" + (b" BODY=8BITMIME" if "8BITMIME" in extensions else b"")
        return line + b"\r\n"

    def _queue(self, data: bytes) -> None:
        self._queued += len(data)
        self._out.append(memoryview(data))

    def flush(self) -> None:
        """Write what the socket takes. Raises OSError when it is broken."""
        while self._out:
            view = self._out[0]
            try:
                sent = self.sock.send(view[:_CHUNK] if self._is_tls else view)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            self._written += sent
            if sent == len(view):
                self._out.popleft()
            else:
                self._out[0] = view[sent:]

    # Reading.
    def receive(self) -> None:
        """Read and act on all replies that are there. Raises OSError or ProtocolError when the connection is over."""
        while True:
            try:
                data = self.sock.recv(65_536)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not data:
                raise ConnectionResetError("the relay closed the connection")
            for reply in self._reader.feed(data):
                self._take(reply)
            if not self._is_tls:
                return

    def _take(self, reply: Reply) -> None:
        if reply.code == 421:
            self.closing = True
        if not self._due:
            if reply.code == 421:
                return
            raise ProtocolError(f"the relay answered {reply.code} to nothing")
        step = self._due.popleft()
        if self._due or self.envelope:
            self.deadline = time.monotonic() + self._timeout
        elif step is not Step.DOT:
            self.deadline = float("inf")
        _HANDLERS[step](self, reply)

    def _mail_reply(self, reply: Reply) -> None:
        if _expected(reply, 2):
            self._lock_step(b"RCPT TO:<%b>\r\n", Step.RCPT)
            return
        self._refuse(reply, Step.MAIL)

    def _rcpt_reply(self, reply: Reply) -> None:
        self._rcpt_taken = _expected(reply, 2)
        if self._rcpt_taken and self._refused is None:
            self._lock_step(b"DATA\r\n", Step.DATA)
            return
        if not self._rcpt_taken:
            self._refuse(reply, Step.RCPT)

    def _data_reply(self, reply: Reply) -> None:
        if reply.code == 354 and self._refused is None:
            self.ready = True
            return
        if reply.code == 354 and self._rcpt_taken:
            # MAIL was refused and RCPT taken: an empty message could be delivered. Hanging up cannot.
            self.closing = True
            self._give_up()
            return
        if reply.code == 354:
            # The server takes data for a refused recipient: end it at once, with nothing in it (RFC 2920 §3.1).
            self._due.append(Step.EMPTY_DOT)
            self._queue(b".\r\n")
            self.flush()
            return
        if reply.code < 400:
            raise ProtocolError(f"the relay answered {reply.code} to DATA")
        self._refuse(reply, Step.DATA)
        self._give_up()

    def _dot_reply(self, reply: Reply) -> None:
        message, self.past = self.past, None
        assert message is not None
        if 300 <= reply.code < 400:
            self.past = message
            raise ProtocolError(f"the relay answered {reply.code} to a message")
        self._settle(message, _kind(reply), reply)
        if self.envelope is not None and not self._opened.pipelining and not self.closing:
            self.begin(self.envelope)
        elif not self._due and self.envelope is None:
            self.deadline = float("inf")

    def _empty_dot_reply(self, _reply: Reply) -> None:
        self._give_up()

    def _reset_reply(self, reply: Reply) -> None:
        if reply.code != 250:
            self.closing = True

    def _lock_step(self, line: bytes, step: Step) -> None:
        if not self._opened.pipelining and self.envelope is not None:
            self._due.append(step)
            self._queue(line % self.envelope.rcpt_to.encode() if b"%b" in line else line)
            self.flush()

    def _refuse(self, reply: Reply, step: Step) -> None:
        """Note the first refusal; the replies to what was pipelined after it say nothing new."""
        if self._refused is None:
            self._refused = reply
        if reply.code == 421:
            # To MAIL it speaks of the connection, and the message goes to another; later it speaks of the message.
            if step is Step.RCPT:
                self._give_up()
        elif not self._opened.pipelining and step is not Step.DATA:
            self._give_up()

    def _give_up(self) -> None:
        """Settle the refused envelope and clear the server's state for the next one."""
        message, reply = self.envelope, self._refused
        assert message is not None and reply is not None
        self.envelope = self._refused = None
        self.deadline = float("inf")
        if not self.closing:
            self._due.append(Step.RESET)
            self._queue(b"RSET\r\n")
            self.deadline = time.monotonic() + self._timeout
            self.flush()
        self._settle(message, _kind(reply), reply)

    # Ending.
    def quit(self) -> None:
        """Say goodbye if the dialogue allows it, and close."""
        try:
            if self.idle and not self._out:
                self.sock.send(b"QUIT\r\n")
        except (OSError, ValueError):
            pass
        self.close()

    def close(self) -> None:
        self.sock.close()


def _expected(reply: Reply, first_digit: int) -> bool:
    """Tell success from refusal. Raises ProtocolError for a reply that makes no sense here."""
    if reply.code // 100 == first_digit:
        return True
    if reply.code < 400:
        raise ProtocolError(f"the relay answered {reply.code} out of turn")
    return False


def _kind(reply: Reply) -> Kind:
    if reply.code < 300:
        return Kind.SENT
    return Kind.DEFERRED if reply.code < 500 else Kind.FAILED


_HANDLERS: dict[Step, Callable[[Connection, Reply], None]] = {
    Step.MAIL: Connection._mail_reply,
    Step.RCPT: Connection._rcpt_reply,
    Step.DATA: Connection._data_reply,
    Step.DOT: Connection._dot_reply,
    Step.EMPTY_DOT: Connection._empty_dot_reply,
    Step.RESET: Connection._reset_reply,
}
