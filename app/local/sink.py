"""The local mail sink: an SMTP server that delivers to nobody and keeps every mail in the outbox.

    python -m app.local.sink FOLDER PORT MAILDIR

What is addressed to a return path of ours is delivered to MAILDIR, too, as a real server would.

It speaks ESMTP with PIPELINING, SIZE, 8BITMIME and SMTPUTF8, and answers the final dot only when the mail has its
name in the folder. It is lean, because mailings of thousands a second come in.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections import deque
from itertools import count
from pathlib import Path

from app.mail import outbox

LARGEST = 50_000_000  # bytes of one mail
LONGEST_LINE = 4_096
PRUNED_AT_ONCE = 500
PATH = re.compile(rb"(?i)(?:MAIL FROM|RCPT TO):\s*<([^<>\x00-\x20]*|\"[^\"]*\"@[^<>\s]*)>\s*(.*)")
COMING_BACK = re.compile(rb"(?i)(?:unsubscribe\+)?[0-9a-f]{48}@")  # app.core.tokens
GREETING = b"220 localhost ESMTP Permesso sink\r\n"
FEATURES = b"250-localhost\r\n250-PIPELINING\r\n250-SIZE %d\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"


class Store:
    """The folder of mails, kept to the newest ``outbox.KEPT``, and the Maildir of what comes back."""

    def __init__(self, folder: Path, maildir: Path) -> None:
        self._folder, self._maildir = folder, maildir
        self._names = deque(outbox.names(folder))
        self._deliveries = count(1)

    def add(self, sender: bytes, recipients: list[bytes], content: bytes) -> None:
        """Keep a mail, and let the oldest go in batches. Raises ``OSError`` when the disk has no room."""
        self._names.append(outbox.store(self._folder, sender, recipients, content))
        for recipient in filter(COMING_BACK.match, recipients):
            self._deliver(sender, recipient, content)
        if len(self._names) >= outbox.KEPT + PRUNED_AT_ONCE:
            for _ in range(PRUNED_AT_ONCE):
                (self._folder / self._names.popleft()).unlink(missing_ok=True)

    def _deliver(self, sender: bytes, recipient: bytes, content: bytes) -> None:
        for name in ("tmp", "new", "cur"):
            (self._maildir / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{time.time_ns()}.{next(self._deliveries)}.sink"
        draft = self._maildir / "tmp" / name
        draft.write_bytes(b"Return-Path: <%b>\r\nDelivered-To: %b\r\n%b" % (sender, recipient, content))
        draft.rename(self._maildir / "new" / name)


class Session(asyncio.Protocol):
    """One SMTP connection (RFC 5321)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._buffer = bytearray()
        self._in_data = False
        self._greeted = False
        self._searched = 0  # bytes of the buffer known not to hold the final dot
        self._reset()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers: list[bytes] = []
        while not self._transport.is_closing():
            answer = self._content() if self._in_data else self._command()
            if answer is None:
                break
            answers.append(answer)
        if answers:  # one write for all, as pipelining clients expect (RFC 2920 section 3.2)
            self._transport.write(b"".join(answers))
        if answers and answers[-1].startswith((b"221", b"421")):
            self._transport.close()

    def _reset(self) -> None:
        self._sender: bytes | None = None
        self._recipients: list[bytes] = []

    def _command(self) -> bytes | None:
        """Take one command from the buffer and return its answer; ``None`` when no whole one is there."""
        end = self._buffer.find(b"\n")
        if end < 0:
            return b"421 4.7.0 Line too long\r\n" if len(self._buffer) > LONGEST_LINE else None
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        verb = line[:4].upper()
        if verb == b"MAIL":
            return self._mail(line)
        if verb == b"RCPT":
            return self._rcpt(line)
        if verb == b"DATA":
            if not self._recipients:
                return b"503 5.5.1 RCPT first\r\n"
            self._in_data = True
            return b"354 Go on\r\n"
        if verb in (b"EHLO", b"HELO"):
            self._greeted = True
            self._reset()
            return FEATURES % LARGEST if verb == b"EHLO" else b"250 localhost\r\n"
        if verb == b"RSET":
            self._reset()
        if verb in (b"RSET", b"NOOP"):
            return b"250 2.0.0 OK\r\n"
        return b"221 2.0.0 Bye\r\n" if verb == b"QUIT" else b"502 5.5.2 Unknown command\r\n"

    def _mail(self, line: bytes) -> bytes:
        matched = PATH.fullmatch(line)
        if not matched:
            return b"501 5.5.4 MAIL FROM:<address>\r\n"
        if not self._greeted or self._sender is not None:
            return b"503 5.5.1 Out of order\r\n"
        size = re.search(rb"(?i)\bSIZE=(\d+)", matched[2])
        if size and int(size[1]) > LARGEST:
            return b"552 5.3.4 Too large\r\n"
        self._sender = matched[1]
        return b"250 2.1.0 OK\r\n"

    def _rcpt(self, line: bytes) -> bytes:
        matched = PATH.fullmatch(line)
        if not matched or not matched[1]:
            return b"501 5.5.4 RCPT TO:<address>\r\n"
        if self._sender is None:
            return b"503 5.5.1 MAIL first\r\n"
        self._recipients.append(matched[1])
        return b"250 2.1.5 OK\r\n"

    def _content(self) -> bytes | None:
        """Take the mail from the buffer once its final dot is there, keep it and return the answer."""
        if self._buffer.startswith(b".\r\n"):
            end = 0
        else:
            # The dot may have come in pieces, but never lies before the last four bytes of what was searched.
            end = self._buffer.find(b"\r\n.\r\n", self._searched) + 2
            if end < 2:
                self._searched = max(0, len(self._buffer) - 4)
                return b"421 4.3.4 Too large\r\n" if len(self._buffer) > LARGEST else None
        content = bytes(self._buffer[:end])
        del self._buffer[: end + 3]
        if content.startswith(b".."):
            content = content[1:]
        content = content.replace(b"\r\n..", b"\r\n.")
        sender, recipients = self._sender or b"", self._recipients
        self._in_data, self._searched = False, 0
        self._reset()
        try:
            self._store.add(sender, recipients, content)
        except OSError:
            return b"452 4.3.1 No room\r\n"
        return b"250 2.0.0 Kept\r\n"


async def serve(folder: Path, port: int, maildir: Path) -> None:
    """Serve on the loopback interface until a signal comes."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    store = Store(folder, maildir)
    server = await loop.create_server(lambda: Session(store), "127.0.0.1", port, backlog=1024)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
