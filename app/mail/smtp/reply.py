"""Reading SMTP replies, whole or in pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?\Z", re.S)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|\Z)")
_MAX_PENDING = 64 * 1024


class ProtocolError(Exception):
    """The other side does not speak SMTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: code and text (lines joined by a space, enhanced code left in)."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or an empty string."""
        match = _ENHANCED.match(self.text)
        return match.group(1) if match else ""


class ReplyReader:
    """Turns received bytes into replies. ``lines`` of the newest reply are kept for EHLO."""

    __slots__ = ("_lines", "_pending", "lines")

    def __init__(self) -> None:
        self._pending = b""
        self._lines: list[str] = []
        self.lines: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that ``data`` completes. Raises ProtocolError for anything that is no reply."""
        pending = self._pending + data
        *complete, self._pending = pending.split(b"\n")
        if len(self._pending) > _MAX_PENDING:
            raise ProtocolError("the relay sent an endless line")
        replies = []
        for line in complete:
            match = _LINE.match(line.rstrip(b"\r"))
            if match is None:
                raise ProtocolError(f"the relay answered “{line[:60].decode('ascii', 'replace').strip()}”")
            self._lines.append((match.group(3) or b"").decode("utf-8", "replace"))
            if match.group(2) != b"-":
                self.lines, self._lines = self._lines, []
                replies.append(Reply(int(match.group(1)), " ".join(self.lines).strip()))
            elif len(self._lines) > 500:
                raise ProtocolError("the relay sent an endless reply")
        return replies

    @property
    def empty(self) -> bool:
        """Tell whether nothing is half-read."""
        return not self._pending and not self._lines
