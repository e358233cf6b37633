"""An SMTP server in a process of its own, that records every message it has accepted: ``python relay.py PORT FILE``.

For each message it appends one line to FILE, ``rcpt<TAB>mail_from<TAB>Message-ID``, *before* it answers 250, so that
the file holds at least what its client can believe accepted. What it answers depends on the recipient's local part:

    deferNNN…    451 4.7.1          refuseNNN…   550 5.1.1 to RCPT        blockNNN…   550 5.7.1 after the dot
    slowNNN…     250 after half a second             pauseNNN…    250 after a twentieth of a second

With a third argument, a folder, it keeps each message there as well.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
from pathlib import Path

_ID = re.compile(rb"(?im)^message-id:\s*<([^>]+)>")


def serve(port: int, record: Path, keep: Path | None) -> None:
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    descriptor = os.open(record, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_talk, args=(connection, descriptor, keep), daemon=True).start()


def _talk(connection: socket.socket, descriptor: int, keep: Path | None) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as reader:
        say = connection.sendall
        say(b"220 relay.example ready\r\n")
        sender = recipient = b""
        while line := reader.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                say(b"250-relay.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n")
            elif word == b"MAIL":
                sender, recipient = _address(line), b""
                say(b"250 2.1.0 ok\r\n")
            elif word == b"RCPT":
                wanted = _address(line)
                if wanted.startswith(b"refuse"):
                    say(b"550 5.1.1 no such user here\r\n")
                elif wanted.startswith(b"defer"):
                    say(b"451 4.7.1 come back later\r\n")
                else:
                    recipient = wanted
                    say(b"250 2.1.5 ok\r\n")
            elif word == b"DATA":
                if not recipient:
                    say(b"503 5.5.1 no recipient\r\n")
                    continue
                say(b"354 go on\r\n")
                data = _data(reader)
                if data is None:
                    return
                for name, seconds in ((b"slow", 0.5), (b"pause", 0.05)):
                    if recipient.startswith(name):
                        time.sleep(seconds)
                if recipient.startswith(b"block"):
                    say(b"550 5.7.1 we do not want this\r\n")
                    continue
                found = _ID.search(data)
                identifier = found.group(1) if found else b""
                if keep is not None:
                    (keep / f"{recipient.decode()}.eml").write_bytes(data)
                os.write(descriptor, b"%b\t%b\t%b\n" % (recipient, sender, identifier))
                say(b"250 2.0.0 accepted\r\n")
            elif word == b"RSET" or word == b"NOOP":
                sender = recipient = b""
                say(b"250 2.0.0 ok\r\n")
            elif word == b"QUIT":
                say(b"221 2.0.0 bye\r\n")
                return
            else:
                say(b"500 5.5.2 what?\r\n")


def _address(line: bytes) -> bytes:
    return line[line.index(b"<") + 1 : line.index(b">")]


def _data(reader: object) -> bytes | None:
    lines = []
    while line := reader.readline():  # type: ignore[attr-defined]
        if line == b".\r\n":
            return b"".join(lines)
        lines.append(line[1:] if line.startswith(b".") else line)
    return None


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
