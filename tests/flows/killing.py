"""A mailing whose processes are killed on the way, held against what the receiving server says."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from app.core import config, links, tokens
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from app.customers.queries.contacts import by_address
from campaigns.queries.progress import progress
from tests.factories.sending import RecordingRelay
from tests.flows import mailing
from tests.flows.product import Product, until

# With the pause that the recording relay makes for each of them, some 160 are sent a second.
PERSON = "pause{:05}@example.net"


def prepared(product: Product, folder: Path, size: int) -> int:
    """Draft a campaign to ``size`` people; returns its id."""
    file = folder / "people.csv"
    file.write_text("\n".join(["email,first_name", *(f"{PERSON.format(n)},Ada" for n in range(1, size + 1))]))
    mailing.set_up()
    done = mailing.import_people(product, file, source="old shop", evidence="confirmation log, 2025")
    assert done["permitted"] == size
    return mailing.create(product, folder)


def kill_and_mend(product: Product, relay: RecordingRelay, names: Iterable[str], each: int) -> None:
    """Whenever ``each`` more were accepted, ``kill -9`` the next of ``names``.

    A runner takes its workers along, whom its guard would let finish what they have begun; it is started again.
    """
    for name in names:
        target = len(relay.accepted) + each
        until(lambda: len(relay.accepted) >= target, patience=120, what=f"{target} accepted mails")  # noqa: B023
        assert product.kill(name), f"there is no {name} to kill"
        if name == "runner":
            product.kill("worker")
            until(lambda: not product.pids(), what="the runner's programs to end")
            product.start()


def serves(product: Product) -> bool:
    try:
        with urllib.request.urlopen(f"{product.url}/sign-in", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def unsubscribe(product: Product, campaign_id: int, address: str) -> None:
    """One-click (RFC 8058), as the mail program of ``address`` would do."""
    with unit_of_work() as session:
        contact = by_address(session, address)
    assert contact is not None
    until(lambda: serves(product), what="the web process")
    url = links.unsubscribe(tokens.sign_message(Purpose.PERMISSION, campaign_id, contact.id))
    with urllib.request.urlopen(urllib.request.Request(url, b"List-Unsubscribe=One-Click"), timeout=30) as answer:
        assert answer.status == 200


def finished(product: Product, campaign_id: int) -> None:
    """Wait for the end of the campaign."""

    def ended() -> bool:
        return mailing.status(campaign_id) == "finished"

    until(ended, patience=180, what="the campaign to end")


def assert_exact(campaign_id: int, relay: RecordingRelay, size: int, deaths: int) -> None:
    """Nobody got it twice; whoever got it is ``sent`` or, at most one a connection and death, ``unknown``; no one is
    missing."""
    states = mailing.states(campaign_id)
    assert len(states) == size
    twice = [address for address, times in Counter(relay.recipients).items() if times > 1]
    assert not twice, f"got it twice: {twice}"
    accepted = set(relay.recipients)
    by_state: dict[str, set[str]] = {}
    for address, state in states.items():
        by_state.setdefault(state, set()).add(address)
    assert set(by_state) <= {"sent", "unknown", "skipped"}
    assert by_state["sent"] <= accepted, "shown as sent, but never accepted"
    assert accepted <= by_state["sent"] | by_state.get("unknown", set()), "accepted, but shown as something else"
    unknown = len(by_state.get("unknown", ()))
    settings = config.current()
    assert unknown <= deaths * settings.send_connections * settings.send_parallel
    with unit_of_work() as session:
        assert progress(session, campaign_id).count("unknown") == unknown, "unknown messages are not shown"
