"""A scripted SMTP server that misbehaves on purpose, at any point, and records what it accepted."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

CUT, STALL, NONSENSE = "cut", "stall", "nonsense"
# What to answer at a step with an argument: None for the polite reply, a reply line, or CUT, STALL, NONSENSE.
Script = Callable[[str, str], str | None]


class _Cut(Exception):
    pass


@dataclass
class HostileServer:
    """``script(step, argument)`` decides each answer.

    Steps: GREET, EHLO, HELO, STARTTLS, AUTH, MAIL, RCPT, DATA, DOT, RSET.
    """

    script: Script = lambda step, argument: None
    pipelining: bool = True
    extensions: tuple[str, ...] = ("SIZE 10000000", "8BITMIME", "SMTPUTF8")
    context: ssl.SSLContext | None = None
    implicit_tls: bool = False

    def __enter__(self) -> HostileServer:
        self.accepted: list[str] = []
        self.bodies: dict[str, bytes] = {}
        self.lines: list[str] = []
        self.connections = 0
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.released.set()
        self.listener.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, _Cut):
            if self.implicit_tls and self.context:
                client = self.context.wrap_socket(client, server_side=True)
            _Session(self, client).run()
        client.close()


class _Session:
    def __init__(self, server: HostileServer, client: socket.socket) -> None:
        self.server, self.client = server, client
        self.file = client.makefile("rb")
        self.recipient = ""
        self.mail = self.rcpt = False

    def answer(self, step: str, polite: str, argument: str = "") -> str:
        """Send the scripted or the polite reply; return its code."""
        return self.say(self.server.script(step, argument), polite)

    def say(self, said: str | None, polite: str) -> str:
        if said == CUT:
            self.client.shutdown(socket.SHUT_RDWR)
            raise _Cut
        if said == STALL:
            self.server.released.wait(30)
            raise _Cut
        reply = "this is not SMTP" if said == NONSENSE else said or polite
        self.client.sendall(reply.encode() + b"\r\n")
        if reply.startswith("421"):
            raise _Cut
        return reply[:3]

    def run(self) -> None:
        self.answer("GREET", "220 hostile ESMTP")
        while line := self.file.readline():
            self.server.lines.append(line.decode("utf-8", "replace").strip())
            verb, _, argument = self.server.lines[-1].partition(" ")
            handler = getattr(self, "do_" + verb.lower(), None)
            if handler is None:
                self.client.sendall(b"500 what?\r\n")
            else:
                handler(argument)

    def do_ehlo(self, argument: str) -> None:
        rows = ["hostile", *(["PIPELINING"] if self.server.pipelining else []), *self.server.extensions]
        polite = "\r\n".join(f"250{' ' if i == len(rows) - 1 else '-'}{row}" for i, row in enumerate(rows))
        self.answer("EHLO", polite, argument)

    def do_helo(self, argument: str) -> None:
        self.answer("HELO", "250 hostile", argument)

    def do_starttls(self, argument: str) -> None:
        if self.answer("STARTTLS", "220 go on", argument) == "220":
            assert self.server.context is not None
            self.client = self.server.context.wrap_socket(self.client, server_side=True)
            self.file = self.client.makefile("rb")

    def do_auth(self, argument: str) -> None:
        method, _, secret = argument.partition(" ")
        if method == "LOGIN":
            self.client.sendall(b"334 VXNlcm5hbWU6\r\n")
            secret = self.file.readline().decode().strip()
            self.client.sendall(b"334 UGFzc3dvcmQ6\r\n")
            secret += " " + self.file.readline().decode().strip()
        self.answer("AUTH", "235 welcome", f"{method} {secret}")

    def do_mail(self, argument: str) -> None:
        polite = "503 nested MAIL" if self.mail else "250 ok"
        self.mail = self.answer("MAIL", polite, argument).startswith("2") or self.mail
        self.rcpt = False

    def do_rcpt(self, argument: str) -> None:
        self.recipient = argument.partition("<")[2].partition(">")[0]
        code = self.answer("RCPT", "250 ok" if self.mail else "503 MAIL first", self.recipient)
        self.rcpt = code.startswith("2")

    def do_data(self, argument: str) -> None:
        if self.answer("DATA", "354 go on" if self.rcpt else "503 RCPT first", self.recipient) != "354":
            return
        lines: list[bytes] = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise _Cut
            lines.append(line)
        said = self.server.script("DOT", self.recipient)
        # Whether the message counts as accepted is decided before the client can know.
        if self.rcpt and (said is None or said.startswith("2") or said in (CUT, STALL, NONSENSE)):
            with self.server.lock:
                self.server.accepted.append(self.recipient)
                self.server.bodies[self.recipient] = b"".join(lines)
        self.mail = self.rcpt = False
        self.say(said, "250 2.0.0 ok")

    def do_rset(self, argument: str) -> None:
        self.mail = self.rcpt = False
        self.answer("RSET", "250 ok", argument)

    def do_quit(self, argument: str) -> None:
        self.client.sendall(b"221 bye\r\n")
        raise _Cut
