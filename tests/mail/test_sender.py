"""The sender against servers that refuse, stall, lie and hang up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.mail.errors import RelayUnavailable
from app.mail.smtp import BounceClass, Kind, Outcome, Outgoing, Relay, Sender, Wait
from app.mail.smtp.connect import Opened
from app.mail.smtp.connection import Connection
from tests.mail.hostile import CUT, NONSENSE, STALL, HostileServer

BODY = b"Subject: hello\r\n\r\n" + b"line of text\r\n" * 50


def messages(count: int) -> Iterator[Outgoing]:
    return (Outgoing(n, "news@brand.example", f"p{n}@example.com", (BODY,)) for n in range(count))


def send(
    server: HostileServer, count: int = 1, *, connections: int = 1, timeout: float = 5, final_timeout: float = 5
) -> tuple[dict[object, Outcome], list[object]]:
    """Send ``count`` messages; return the outcomes by key, and the intents in order."""
    outcomes: list[Outcome] = []
    intents: list[object] = []
    relay = Relay.from_url(server.url, timeout=timeout, final_timeout=final_timeout)
    with (
        Sender(relay, connections, before_final=intents.append, on_outcome=outcomes.append) as sender,
        contextlib.suppress(RelayUnavailable),
    ):
        sender.run(messages(count))
    assert len({o.key for o in outcomes}) == len(outcomes), "a message had two outcomes"
    return {o.key: o for o in outcomes}, intents


@pytest.mark.parametrize("pipelining", [True, False])
def test_all_arrive_once_with_and_without_pipelining(pipelining: bool) -> None:
    with HostileServer(pipelining=pipelining) as server:
        outcomes, intents = send(server, 40, connections=3)
    assert Counter(o.kind for o in outcomes.values()) == {Kind.SENT: 40}
    assert sorted(server.accepted) == sorted(f"p{n}@example.com" for n in range(40))
    assert sorted(intents) == list(range(40))  # type: ignore[type-var]
    assert server.bodies["p0@example.com"] == BODY


def test_the_next_envelope_rides_with_the_final_dot() -> None:
    ours, theirs = socket.socketpair()
    connection = Connection(Opened(ours, {"PIPELINING": ""}), lambda *_: None, 5, 5)
    first, second = messages(2)
    connection.begin(first)
    assert theirs.recv(65536).count(b"\r\n") == 3
    theirs.sendall(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    connection.receive()
    connection.send_data(second)
    written = theirs.recv(65536)
    assert written == BODY + b".\r\nMAIL FROM:<news@brand.example>\r\nRCPT TO:<p1@example.com>\r\nDATA\r\n"
    theirs.close()
    connection.close()


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("reply", "kind", "bounce"),
    [
        ("550 5.1.1 user unknown", Kind.FAILED, BounceClass.HARD),
        ("550 5.7.1 blocked", Kind.FAILED, BounceClass.BLOCK),
        ("452 4.2.2 mailbox full", Kind.DEFERRED, BounceClass.SOFT),
    ],
)
def test_a_refusal_counts_for_its_recipient_only(
    pipelining: bool, step: str, reply: str, kind: Kind, bounce: BounceClass
) -> None:
    count = iter(range(100))

    def script(at: str, argument: str) -> str | None:
        if at == "MAIL" == step:
            return reply if next(count) == 1 else None
        return reply if at == step and argument == "p1@example.com" else None

    with HostileServer(script=script, pipelining=pipelining) as server:
        outcomes, _ = send(server, 4)
    assert [outcomes[n].kind for n in range(4)] == [Kind.SENT, kind, Kind.SENT, Kind.SENT]
    assert (outcomes[1].code, outcomes[1].enhanced, outcomes[1].bounce) == (int(reply[:3]), reply[4:9], bounce)
    assert "p1@example.com" not in server.accepted


def test_a_server_that_takes_data_after_refusing_the_recipient_gets_nothing() -> None:
    def script(step: str, argument: str) -> str | None:
        if argument != "p0@example.com":
            return None
        return {"RCPT": "550 5.1.1 no", "DATA": "354 go on anyway"}.get(step)

    with HostileServer(script=script) as server:
        outcomes, intents = send(server, 2)
    assert [outcomes[0].kind, outcomes[1].kind] == [Kind.FAILED, Kind.SENT]
    assert intents == [1]
    assert server.accepted == ["p1@example.com"]


@pytest.mark.parametrize("ending", [CUT, STALL, NONSENSE])
def test_past_the_dot_without_an_answer_is_unknown_and_never_resent(ending: str) -> None:
    seen: list[str] = []

    def script(step: str, argument: str) -> str | None:
        if step == "DOT" and argument == "p1@example.com":
            seen.append(argument)
            return ending
        return None

    with HostileServer(script=script) as server:
        outcomes, _ = send(server, 4, timeout=0.5, final_timeout=0.5)
    assert [outcomes[n].kind for n in range(4)] == [Kind.SENT, Kind.UNKNOWN, Kind.SENT, Kind.SENT]
    assert len(seen) == 1


@pytest.mark.parametrize("ending", [CUT, STALL, NONSENSE, "421 too busy"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_before_the_dot_a_broken_connection_loses_nothing(step: str, ending: str) -> None:
    first = iter([ending])
    with HostileServer(script=lambda at, _: next(first, None) if at == step else None) as server:
        outcomes, _ = send(server, 3, timeout=0.5)
    kinds = {o.kind for o in outcomes.values()}
    assert len(outcomes) == 3
    assert kinds <= {Kind.SENT, Kind.DEFERRED}
    assert len(server.accepted) == len(set(server.accepted)) == sum(o.kind is Kind.SENT for o in outcomes.values())


def test_a_server_that_allows_few_messages_a_connection_gets_new_connections() -> None:
    state = threading.local()

    def script(step: str, _: str) -> str | None:
        if step == "GREET":
            state.count = 0
        if step == "MAIL":
            state.count += 1
            return "421 4.7.0 enough" if state.count > 3 else None
        return None

    with HostileServer(script=script) as server:
        outcomes, _ = send(server, 10, connections=2)
    assert {o.kind for o in outcomes.values()} == {Kind.SENT}
    assert len(server.accepted) == 10


def test_connections_that_all_end_at_the_same_message_do_not_make_it_fail() -> None:
    greeted = count()
    state = threading.local()

    def script(step: str, _: str) -> str | None:
        if step == "GREET":
            state.number = next(greeted)
        return "421 4.7.0 enough" if step == "MAIL" and state.number < 3 else None

    with HostileServer(script=script) as server:
        outcomes, _ = send(server, 1, connections=2)
    assert [outcome.kind for outcome in outcomes.values()] == [Kind.SENT]
    assert len(server.accepted) == 1


def test_a_server_that_says_421_to_everything_is_given_up_without_hammering() -> None:
    with HostileServer(script=lambda step, _: "421 go away" if step == "MAIL" else None) as server:
        outcomes, _ = send(server, 50)
        assert server.connections < 10
    assert {o.kind for o in outcomes.values()} <= {Kind.NOT_TRIED}


def test_nobody_listening_is_said_and_nothing_is_pulled() -> None:
    pulled: list[int] = []

    def source() -> Iterator[Outgoing]:
        pulled.append(1)
        yield from messages(1)

    relay = Relay.from_url("smtp://127.0.0.1:1")
    with (
        Sender(relay, 2, before_final=lambda _: None, on_outcome=lambda _: None) as sender,
        pytest.raises(RelayUnavailable, match=r"127\.0\.0\.1:1 cannot be reached"),
    ):
        sender.run(source())
    assert pulled == []


def test_stop_drains_what_is_past_the_dot_and_gives_back_the_rest() -> None:
    outcomes: list[Outcome] = []

    def slowly(step: str, _: str) -> None:
        if step == "DOT":
            time.sleep(0.05)

    with HostileServer(script=slowly) as server:

        def seen(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == 5:
                sender.stop()

        with Sender(Relay.from_url(server.url), 2, before_final=lambda _: None, on_outcome=seen) as sender:
            started = time.monotonic()
            sender.run(messages(10_000))
    assert time.monotonic() - started < 2
    sent = {f"p{o.key}@example.com" for o in outcomes if o.kind is Kind.SENT}
    assert sent == set(server.accepted)
    assert {o.kind for o in outcomes} <= {Kind.SENT, Kind.NOT_TRIED}


def test_stop_does_not_wait_for_a_stalled_relay() -> None:
    outcomes: list[Outcome] = []
    with (
        HostileServer(script=lambda step, _: STALL if step == "DOT" else None) as server,
        Sender(Relay.from_url(server.url), 1, before_final=lambda _: None, on_outcome=outcomes.append) as sender,
    ):
        threading.Timer(0.2, lambda: sender.stop(grace=0.2)).start()
        started = time.monotonic()
        sender.run(messages(3))
    assert time.monotonic() - started < 3
    assert {o.key: o.kind for o in outcomes} == {0: Kind.UNKNOWN, 1: Kind.NOT_TRIED}


def test_a_source_may_ask_to_wait_and_replies_are_served_meanwhile() -> None:
    when: list[float] = []

    def source() -> Iterator[Outgoing | Wait]:
        first, second = messages(2)
        yield first
        yield Wait(0.4)
        yield second

    def seen(_: Outcome) -> None:
        when.append(time.monotonic())

    with (
        HostileServer() as server,
        Sender(Relay.from_url(server.url), 1, before_final=lambda _: None, on_outcome=seen) as sender,
    ):
        sender.run(source())
    assert 0.3 < when[1] - when[0] < 2


def test_connections_are_kept_between_runs() -> None:
    outcomes: list[Outcome] = []
    with (
        HostileServer() as server,
        Sender(Relay.from_url(server.url), 1, before_final=lambda _: None, on_outcome=outcomes.append) as sender,
    ):
        for _ in range(3):
            sender.run(messages(2))
    assert server.connections == 1
    assert len(outcomes) == 6


def test_an_error_of_the_journal_ends_the_run_and_is_not_taken_for_a_network_error() -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with (
        HostileServer() as server,
        Sender(Relay.from_url(server.url), 1, before_final=full, on_outcome=lambda _: None) as sender,
        pytest.raises(OSError, match="No space left"),
    ):
        sender.run(messages(3))
    assert server.accepted == []


def test_smtputf8_size_and_hostile_addresses_are_refused_before_the_network() -> None:
    items = [
        Outgoing("utf8", "a@b.example", "jösé@example.com", (BODY,)),
        Outgoing("big", "a@b.example", "b@example.com", (b"x" * 2000 + b"\r\n",)),
        Outgoing("crlf", "a@b.example", "b@example.com>\r\nRCPT TO:<c@example.com", (BODY,)),
        Outgoing("ok", "a@b.example", "b@example.com", (BODY,)),
    ]
    outcomes: list[Outcome] = []
    with (
        HostileServer(extensions=("SIZE 1500",)) as server,
        Sender(Relay.from_url(server.url), 1, before_final=lambda _: None, on_outcome=outcomes.append) as sender,
    ):
        sender.run(iter(items))
    assert {o.key: (o.kind, o.enhanced) for o in outcomes} == {
        "utf8": (Kind.FAILED, "5.6.7"),
        "big": (Kind.FAILED, "5.3.4"),
        "crlf": (Kind.FAILED, "5.1.3"),
        "ok": (Kind.SENT, "2.0.0"),
    }
    assert server.accepted == ["b@example.com"]


ANSWERS = st.sampled_from(
    [None, None, None, None, CUT, NONSENSE, "421 bye", "450 4.2.0 later", "550 5.1.1 no", "250 ok", "354 go"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    answers=st.lists(ANSWERS, max_size=40),
    pipelining=st.booleans(),
    connections=st.integers(1, 3),
    count=st.integers(1, 8),
)
def test_whatever_the_relay_answers_nothing_is_lost_or_doubled(
    answers: list[str | None], pipelining: bool, connections: int, count: int
) -> None:
    script = iter(answers)
    lock = threading.Lock()

    def next_answer(step: str, _: str) -> str | None:
        with lock:
            return None if step in ("GREET", "EHLO") else next(script, None)

    with HostileServer(script=next_answer, pipelining=pipelining) as server:
        outcomes, intents = send(server, count, connections=connections, timeout=1, final_timeout=1)
        accepted = Counter(server.accepted)
    for n, outcome in outcomes.items():
        times = accepted[f"p{n}@example.com"]
        if outcome.kind is Kind.SENT:
            assert times == 1 and n in intents
        elif outcome.kind is Kind.UNKNOWN:
            assert times <= 1 and n in intents
        else:
            assert times == 0, outcome
    assert not set(accepted) - {f"p{n}@example.com" for n in outcomes}
