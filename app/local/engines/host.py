"""What the machine offers: free ports, processes by number, and a way for root to run what refuses root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from functools import lru_cache
from pathlib import Path

from app.core.errors import EngineUnavailable

NOBODY = 65534


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether ``port`` can be bound.

    A plain bind, without SO_REUSEPORT: servers that share ports among their workers would let a second one in.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_port(file: Path) -> int:
    """Return the port written in ``file`` if it is free, else a new one, written there."""
    try:
        port = int(file.read_text())
    except (FileNotFoundError, ValueError):
        port = 0
    if not 0 < port < 65536 or not is_free(port):
        port = free_port()
        file.write_text(f"{port}\n")
    return port


def command_of(pid: int) -> str:
    """Return the command line of process ``pid``, empty when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    return subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True
    ).stdout.strip()


def pid_in(file: Path, sign: str) -> int | None:
    """Return the process number on the first line of ``file`` if that process runs and its command has ``sign``."""
    try:
        pid = int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if sign in command_of(pid) else None


@lru_cache(maxsize=1)
def _demotion() -> tuple[str, ...]:
    """Return the words before a command that make it run as a common user with a name; empty when we are one."""
    if os.geteuid() != 0 and _has_name():
        return ()
    mapped = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if shutil.which("unshare") and subprocess.run([*mapped, "true"], capture_output=True).returncode == 0:
        return mapped
    if shutil.which("setpriv") and os.geteuid() == 0:
        return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    raise EngineUnavailable(
        "PostgreSQL refuses to run as root or as a user without a name, and this machine allows neither unshare nor "
        "setpriv: run as a normal user, or set DATABASE_URL to a server of yours."
    )


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:  # usual in containers that are started under a number
        return False
    return True


def demoted(argv: list[str], folder: Path) -> list[str]:
    """Return ``argv`` so that it runs as PostgreSQL wants it, a common user with a name, and owns ``folder``.

    ``unshare`` shows our own files to the program as nobody's, which works under folders closed to others;
    ``setpriv`` truly becomes nobody, so the folder changes hands.
    """
    words = _demotion()
    if words:
        owner = NOBODY if words[0] == "setpriv" else os.geteuid()
        if folder.stat().st_uid != owner:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner, owner, follow_symlinks=False)
    return [*words, *argv]
