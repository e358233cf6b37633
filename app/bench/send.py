"""Sending: the product's own pump, tables, journal and gates, against Postfix's smtp-sink.

Each figure stands beside a reference taken in the same run: OpenSSL's RSA-2048 rate, and smtp-source (C, unsigned,
the same size, eight sessions) against the same sink.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from app.bench import mailing
from app.bench.ground import Result, database, openssl_signatures
from app.core import config
from app.core.config import Settings
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.factory import bind
from campaigns.engine.pump import Pump
from campaigns.services import launch
from campaigns.services.freeze import freeze

SIZE = 37_000
_SINK, _SOURCE = "smtp-sink", "smtp-source"


def run(*, quick: bool = False) -> Result:
    """Measure messages a second for one process and for two, and the freeze before them."""
    people = 2_000 if quick else 16_000
    result = Result("send")
    with _sink() as port, database():
        config.use(config.current().model_copy(update={"smtp_url": f"smtp://127.0.0.1:{port}"}))
        with unit_of_work() as session:
            topic_id = mailing.make_audience(session, people)
            session.execute(text("ANALYZE"))
        openssl = {1: openssl_signatures(1, 1 if quick else 3), 2: openssl_signatures(2, 1 if quick else 3)}
        for processes in (1, 2):
            rate, frozen = _measure(topic_id, people, processes, port)
            name = "one_process" if processes == 1 else "two_processes"
            result.figures[f"{name}_per_s"] = rate
            result.references[f"openssl_{name}_per_s"] = openssl[processes]
            result.ratios[f"{name}_to_openssl"] = rate / openssl[processes]
        result.figures["freeze_per_s"] = people / frozen
        result.references["smtp_source_per_s"] = _source(port, people // 2)
    return result


def _measure(topic_id: int, people: int, processes: int, port: int) -> tuple[float, float]:
    """Return messages a second from the first claim to the last write-back, and the seconds of the freeze."""
    with unit_of_work() as session:
        campaign_id = mailing.make_campaign(session, topic_id)
        launch.launch(session, campaign_id)
    began = time.perf_counter()
    with unit_of_work() as session:
        freeze(session, campaign_id)
    frozen = time.perf_counter() - began
    if processes == 1:
        began = time.perf_counter()
        Pump(campaign_id, seconds=600).run()
        seconds = time.perf_counter() - began
    else:
        seconds = _together(campaign_id, processes, port)
    with unit_of_work() as session:
        sent = session.scalar(
            text("SELECT count(*) FROM message WHERE campaign_id = :id AND state = 'sent'"), {"id": campaign_id}
        )
    if sent != people:
        raise InvalidInput(f"Only {sent} of {people} messages were sent: the figure would mean nothing.")
    return people / seconds, frozen


def _together(campaign_id: int, processes: int, port: int) -> float:
    """Return the seconds that several processes take, from their common start to the end of the last."""
    settings = config.current()
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SMTP_URL": settings.smtp_url,
        "SECRET_KEY": settings.secret_key,
        "SUPPRESSION_KEY": settings.suppression_key,
        "PERMESSO_VAR": str(settings.var),
    }
    command = [sys.executable, "-m", "app.bench.send", str(campaign_id)]
    children = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()  # it is ready
    began = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.wait()
    return time.perf_counter() - began


def _child(campaign_id: int) -> None:
    bind(Settings.from_env())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    Pump(campaign_id, seconds=600).run()


@contextmanager
def _sink() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    process = subprocess.Popen([_tool(_SINK), *user, f"127.0.0.1:{port}", "256"])
    try:
        ends = time.monotonic() + 10
        while not _listens(port):
            if time.monotonic() > ends or process.poll() is not None:
                raise InvalidInput(f"{_SINK} did not start.")
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _source(port: int, messages: int) -> float:
    began = time.perf_counter()
    command = [_tool(_SOURCE), "-s", "8", "-l", str(SIZE), "-m", str(messages), f"127.0.0.1:{port}"]
    subprocess.run(command, check=True)
    return messages / (time.perf_counter() - began)


def _tool(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib/postfix/sbin")
    if found is None:
        raise InvalidInput(f"{name} is not here, which this benchmark talks to: apt-get install postfix.")
    return found


if __name__ == "__main__":
    _child(int(sys.argv[1]))
