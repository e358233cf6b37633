"""Addresses that were probably mistyped or are made to be thrown away. Hints only: the visitor's word stands."""

from __future__ import annotations

from collections.abc import Iterable

from disposable_email_domains import blocklist

from app.mail.providers import DOMAINS

SHORTEST = 7  # of a domain that is suggested: short ones have too many honest neighbours
# Providers with one domain, whatever ending is typed.
_ONLY = {"gmail": "gmail.com", "icloud": "icloud.com", "laposte": "laposte.net", "wanadoo": "wanadoo.fr"}


def suggestion(domain: str, common: Iterable[str] = ()) -> str | None:
    """Return the domain that was probably meant, or None.

    ``domain`` is in A-labels; ``common`` are further domains that are often met here. Of those at the least distance
    the first wins, well-known providers before ``common``.
    """
    known = [*DOMAINS, *common]
    if not domain or domain in known:
        return None
    if only := _ONLY.get(domain.partition(".")[0]):
        return only
    best, least = None, 3
    for candidate in known:
        if len(candidate) < SHORTEST:
            continue
        most = min(least - 1, 2 if len(candidate) >= 10 and candidate[0] == domain[0] else 1)
        distance = _distance(domain, candidate, most)
        if distance <= most:
            best, least = candidate, distance
    return best


def disposable(domain: str) -> bool:
    """Tell whether a domain, or one it lies in, is known for addresses that live for minutes."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be changed, added, left out or swapped with a neighbour (optimal string alignment);
    anything above ``most`` once that is certain."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]
