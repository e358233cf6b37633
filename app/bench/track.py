"""Tracking: the endpoint against a bare WSGI callable on the same server; draining and folding against plain COPY.

Drainer and folder are processes of their own and work side by side, so each is measured by itself.

The load comes from a client of this file: a few connections, requests pipelined (RFC 9112 §9.3.2), so that on a small
machine the client costs less than the server it measures.
"""

from __future__ import annotations

import os
import random
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import text

from app.bench.ground import Result, database
from app.brands.services.set_up import BrandDetails, create_brand, create_sender
from app.core import clock, config
from app.core.db import driver, unit_of_work
from app.core.errors import InvalidInput
from app.core.tokens import Purpose, message_signer
from consent.services import topics
from tracking.engine import drainer
from tracking.engine.spool import Spool
from tracking.policy.hits import Hit, encode
from tracking.services.fold import fold

CAMPAIGN = 1
AGENTS = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0",
)
CONNECTIONS, PIPELINED = 8, 32

BARE = """
import sys; sys.path.insert(0, {root!r})
from tracking.engine.endpoint import GIF, GIF_HEADERS
def application(environ, start_response):
    start_response("200 OK", GIF_HEADERS)
    return [GIF]
"""
OURS = """
import sys; sys.path.insert(0, {root!r})
from app.core import config
config.use(config.Settings.from_env())
from tracking.engine.endpoint import tracking_middleware, tracking_only
application = tracking_middleware(tracking_only)
"""


def run(*, quick: bool) -> Result:
    """Measure; ``quick`` takes a second a figure and 20,000 events instead of six seconds and 200,000."""
    seconds, events = (1.0, 20_000) if quick else (6.0, 200_000)
    with _folder() as folder:
        endpoint, reference = _endpoint(folder, seconds)
        with database():
            flow = _drain_and_fold(folder, events)
    return Result(
        "track",
        figures={"endpoint_per_s": endpoint, "drain_per_s": flow.drain, "fold_per_s": flow.fold},
        references={"bare_wsgi_per_s": reference, "copy_per_s": flow.copy},
        ratios={
            "endpoint_to_bare": endpoint / reference,
            "drain_to_copy": flow.drain / flow.copy,
            "fold_to_copy": flow.fold / flow.copy,
        },
    )


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="permesso-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# The endpoint


def _endpoint(folder: Path, seconds: float) -> tuple[float, float]:
    """Return requests a second of the endpoint and of the bare callable, the medians of three turns each."""
    root = str(Path(__file__).resolve().parents[2])
    sign = message_signer(Purpose.ENGAGEMENT)
    paths = [f"/o/{sign(CAMPAIGN, contact)}.gif" for contact in range(1, 2001)]
    bare, ours = [], []
    with (
        _serving(folder, "bare", BARE.format(root=root)) as one,
        _serving(folder, "ours", OURS.format(root=root)) as two,
    ):
        for _ in range(3):  # in turns, so that a change of the machine's mood falls on both
            bare.append(_requests(one, paths, seconds / 3))
            ours.append(_requests(two, paths, seconds / 3))
    if not list((folder / "var" / "spool").glob("*.spool")):
        raise InvalidInput("The endpoint recorded nothing, so there is nothing to compare.")
    return sorted(ours)[1], sorted(bare)[1]


@contextmanager
def _serving(folder: Path, name: str, source: str) -> Iterator[int]:
    """Serve a module by one granian worker with one thread; yields its port."""
    (folder / f"served_{name}.py").write_text(source)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    granian = str(Path(sys.executable).parent / "granian")
    options = ["--interface", "wsgi", "--http", "1", "--no-ws", "--blocking-threads", "1", "--port", str(port)]
    settings = config.current()
    environment = {
        **os.environ,
        "PERMESSO_VAR": str(folder / "var"),
        "SECRET_KEY": settings.secret_key,
        "SUPPRESSION_KEY": settings.suppression_key,
        "DATABASE_URL": settings.database_url,
        "PYTHONPATH": str(folder),
    }
    pinned = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    command = [*pinned, granian, *options, f"served_{name}:application"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_for(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise InvalidInput("The server of the benchmark did not start within 20 s.")


def _requests(port: int, paths: list[str], seconds: float) -> float:
    """Return answered requests a second."""
    bunches = [
        "".join(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENTS[n % len(AGENTS)]}\r\n\r\n"
            for n, path in enumerate(paths[start : start + PIPELINED])
        ).encode()
        for start in range(0, len(paths) - PIPELINED, PIPELINED)
    ]
    selector = selectors.DefaultSelector()
    for n in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(bunches[n])
        selector.register(connection, selectors.EVENT_READ, [0, n, b""])
    answered = 0
    begun = time.perf_counter()
    while (now := time.perf_counter()) - begun < seconds:
        for key, _ in selector.select(1):
            received = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
            data = key.data[2] + received
            key.data[0] += data.count(b"HTTP/1.1 200")
            # What may be the beginning of a status line is looked at again with what follows.
            key.data[2] = data[-11:] if b"HTTP/1.1 200" not in data[-11:] else b""
            if key.data[0] >= PIPELINED:
                answered += PIPELINED
                key.data[0] -= PIPELINED
                key.data[1] += CONNECTIONS
                key.fileobj.sendall(bunches[key.data[1] % len(bunches)])  # type: ignore[union-attr]
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return answered / (now - begun)


# Drain and fold


@dataclass(frozen=True)
class Flow:
    """Events a second."""

    drain: float
    fold: float
    copy: float


def _drain_and_fold(folder: Path, events: int) -> Flow:
    campaign_id, people = _audience(events * 2 // 5)
    var = folder / "flow"
    spool = Spool(var, "bench", max_bytes=1 << 40)
    for payload in _hits(campaign_id, people, events):
        spool.append(payload)
    spool.close()
    mover = drainer.Drainer(var, "bench")
    begun = time.perf_counter()
    while mover.drain().bytes:
        pass
    drained = time.perf_counter()
    folded = 0
    while folded < events:
        with unit_of_work() as session:
            done = fold(session, settled=timedelta())
        if not done:
            raise InvalidInput(f"Only {folded} of {events} events were folded.")
        folded += done
    end = time.perf_counter()
    return Flow(events / (drained - begun), events / (end - drained), events / _plain_copy())


def _audience(number: int) -> tuple[int, list[int]]:
    """Make a campaign sent an hour ago to ``number`` people who permit tracking."""
    sent_at = clock.now() - timedelta(hours=1)
    with unit_of_work() as session:
        brand_id = create_brand(session, BrandDetails(name="Bench", postal_address="1 Bench Street"))
        sender_id = create_sender(session, brand_id, name="Bench", email="bench@mail.example.com")
        topic_id = topics.create(session, brand_id, "Bench")
        names = {"brand": brand_id, "topic": topic_id, "sender": sender_id, "at": sent_at, "number": number}
        campaign_id = session.execute(text(_CAMPAIGN), names).scalar_one()
        names["campaign"] = campaign_id
        for statement in (*_LINKS, _PARTITION, _CONTACTS, _PERMISSIONS, _MESSAGES, "ANALYZE contact, message"):
            session.execute(text(statement), names)
        people = list(session.scalars(text("SELECT id FROM contact ORDER BY id")))
    return campaign_id, people


_CAMPAIGN = """INSERT INTO campaign (brand_id, topic_id, sender_id, name, status, launched_at)
VALUES (:brand, :topic, :sender, 'Bench', 'finished', :at) RETURNING id"""
_LINKS = [
    f"INSERT INTO campaign_link (campaign_id, n, url) VALUES (:campaign, {n}, 'https://example.com/{n}')"
    for n in range(10)
]
_PARTITION = "SELECT ensure_message_partition(:campaign)"
_CONTACTS = "INSERT INTO contact (first_name) SELECT 'Bench' FROM generate_series(1, :number)"
_PERMISSIONS = """INSERT INTO tracking_permission (contact_id, brand_id, granted, since, event_id)
SELECT id, :brand, true, :at, 0 FROM contact"""
_MESSAGES = """INSERT INTO message (campaign_id, contact_id, state, tracked, sent_at)
SELECT :campaign, id, 'sent', true, :at FROM contact"""


def _hits(campaign_id: int, people: list[int], number: int) -> Iterator[bytes]:
    """Yield hits within the last hour: 7 opens for 3 clicks, people by chance, in no order of people."""
    dice = random.Random(1)
    begin = int((clock.now() - timedelta(minutes=55)).timestamp() * 1_000_000)
    for n in range(number):
        click = n % 10 < 3
        yield encode(
            Hit(
                begin + n * 3_000_000_000 // number,
                "click" if click else "open",
                campaign_id,
                dice.choice(people),
                dice.randrange(10) if click else None,
                "GET",
                "",
                f"198.51.100.{n % 250}",
                AGENTS[dice.randrange(len(AGENTS))],
            )
        )


def _plain_copy() -> float:
    """Return the seconds that plain COPY takes to fill the same table, with its indexes, with the same rows."""
    with unit_of_work() as session, driver(session).cursor() as cursor:
        with cursor.copy("COPY (SELECT * FROM event) TO STDOUT") as out:
            data = b"".join(bytes(block) for block in out)
        cursor.execute("TRUNCATE event")
    with unit_of_work() as session, driver(session).cursor() as cursor:
        begun = time.perf_counter()
        with cursor.copy("COPY event FROM STDIN") as into:
            for start in range(0, len(data), 1 << 18):
                into.write(data[start : start + (1 << 18)])
        cursor.connection.commit()
        return time.perf_counter() - begun
