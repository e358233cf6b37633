"""Who made an event: a person, a machine, or a program that fetches ahead.

``own`` judges an event by itself, when it is drained; ``settle`` judges all events of one message together, when they
are folded, because robots show by what else they fetch. Both read stored features only, so that events can be
labelled anew long after the client's address is gone. The result depends on the events alone, never on the order in
which they arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from tracking.policy import clients

VERSION = 2

TOO_FAST_S = 2  # nobody reads a mail in its first two seconds
BURST = timedelta(seconds=2)
BURST_LINKS = 3  # or every link, where a mail has two
REPEAT = timedelta(seconds=10)  # METRICS: the same link again within 10 s counts once
TOGETHER = BURST + REPEAT  # an event bears on the labels of others no longer than this


class Label(StrEnum):
    """What an event counts as."""

    HUMAN = "human"
    REPEAT = "repeat"  # a person's, counted with the one before
    MACHINE = "machine"
    PREFETCH = "prefetch"  # Apple's mail privacy: says nothing of the person


class Verdict(NamedTuple):
    """A label and why."""

    label: str
    reason: str


class Features(NamedTuple):
    """What is stored of one event and bears on its label."""

    at: datetime
    id: int
    kind: str
    link_n: int | None
    method: str
    family: str
    network: str
    hint: str
    delay_s: int | None


def own(kind: str, method: str, family: str, hint: str, delay_s: int | None) -> Verdict:
    """Judge an event by itself."""
    if method == "HEAD":
        return Verdict(Label.MACHINE, "head")
    if hint == "prefetch":
        return Verdict(Label.MACHINE, "prefetch_header")
    if family == clients.NO_AGENT:
        return Verdict(Label.MACHINE, "no_agent")
    if family == clients.CRAWLER:
        return Verdict(Label.MACHINE, "crawler")
    if family == clients.BARE:
        return Verdict(Label.PREFETCH, "apple_prefetch") if kind == "open" else Verdict(Label.MACHINE, "bare_agent")
    if delay_s is not None and delay_s < TOO_FAST_S:
        return Verdict(Label.MACHINE, "too_fast")
    if family in (clients.GMAIL_PROXY, clients.YAHOO_PROXY):
        return Verdict(Label.HUMAN, "image_proxy")
    return Verdict(Label.HUMAN, "")


def settle(events: Iterable[Features], links: int) -> list[tuple[Features, Verdict]]:
    """Judge all events of one message; ``links`` is how many numbered links its mail has."""
    ordered = sorted(events)
    bursts = _bursts([event for event in ordered if event.kind == "click"], links)
    last: dict[int | None, datetime] = {}
    judged: list[tuple[Features, Verdict]] = []
    for event in ordered:
        verdict = own(event.kind, event.method, event.family, event.hint, event.delay_s)
        if event.kind == "click" and verdict.label == Label.HUMAN:
            if event.id in bursts:
                verdict = Verdict(Label.MACHINE, "burst")
            else:
                before = last.get(event.link_n)
                last[event.link_n] = event.at
                if before is not None and event.at - before <= REPEAT:
                    verdict = Verdict(Label.REPEAT, "same_link")
        judged.append((event, verdict))
    return judged


def _bursts(clicks: Sequence[Features], links: int) -> set[int]:
    """Return the ids of clicks that belong to a burst over many links within two seconds."""
    needed = min(BURST_LINKS, links) if links > 1 else BURST_LINKS
    found: set[int] = set()
    within: Counter[int | None] = Counter()  # links of the clicks from ``start`` on
    start = found_to = 0
    for end, click in enumerate(clicks):
        within[click.link_n] += 1
        while click.at - clicks[start].at > BURST:
            within[clicks[start].link_n] -= 1
            within += Counter()  # drops the zeros
            start += 1
        if len(within) >= needed:
            found.update(each.id for each in clicks[max(start, found_to) : end + 1])
            found_to = end + 1
    return found
