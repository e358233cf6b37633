"""Is the ledger whole? Every entry's hash and link, the evidence beside it, what was projected, and an anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from operator import attrgetter

from sqlalchemy.orm import Session

from consent.policy.anchoring import Check, Finding
from consent.policy.folding import Fold, Silence, Tracking
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Act, Action, Actor, Subject
from consent.queries import anchors, walk
from consent.queries.walk import EntryRow, Held, PauseRow, TrackingRow

# Called with the entries seen so far and about how many there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Break:
    """The first thing that is not as it was written: whose chain, which entry, and what is wrong with it.

    ``contact_id`` is None when it cannot be told, ``seq`` and ``event_id`` when no entry is concerned.
    """

    contact_id: int | None
    seq: int | None
    event_id: int | None
    what: str


@dataclass
class Verification:
    """What ``verify`` found; ``broken`` is None when everything holds, else the counts go as far as it was read."""

    chains: int = 0
    entries: int = 0
    evidence: int = 0
    permissions: int = 0
    broken: Break | None = None


def verify(session: Session, check: Check | None = None, progress: Progress | None = None) -> Verification:
    """Walk all chains, ordered by contact, up to the first break; ``check`` holds them against an anchor.

    Writers may go on when ``session`` sees one moment of the database (``app.core.db.snapshot``).
    """
    found, about = Verification(), walk.estimate(session)
    for held in walk.walk(session):
        found.chains += bool(held.entries)
        found.entries += len(held.entries)
        found.evidence += sum(entry.claims for entry in held.entries)
        found.permissions += len(held.topics) + len(held.tracking)
        found.broken = next(_breaks(held, check), None)
        if found.broken is not None:
            return found
        if progress is not None:
            progress(found.entries, about)
    found.broken = _at_the_end(session, check)
    return found


def _breaks(held: Held, check: Check | None) -> Iterator[Break]:
    """Return what is wrong with one contact, the worst first."""
    erased = any(entry.action == Action.ERASE for entry in held.entries)
    for entry in held.entries:
        if what := entry.what or _evidence(entry, erased):
            yield Break(entry.contact_id, entry.seq, entry.id, what)
    if check is not None and held.entries:
        finding = check.meet(held.contact_id, [entry.hash for entry in held.entries])
        if finding is not None:
            yield _break(finding, held.entries)
    yield from _projection(held)


def _evidence(entry: EntryRow, erased: bool) -> str | None:
    """Evidence may be gone only where its person was erased, and there it must be."""
    if erased:
        return "evidence of an erased person is still here" if entry.proven else None
    return "the evidence is missing" if entry.claims and not entry.proven else None


def _break(finding: Finding, entries: list[EntryRow]) -> Break:
    named = next((entry.id for entry in entries if entry.seq == finding.seq), None)
    return Break(finding.contact_id, finding.seq, named, finding.what)


def _at_the_end(session: Session, check: Check | None) -> Break | None:
    finding = check.end() if check is not None else None
    if finding is not None:
        return _break(finding, [])
    if (orphan := walk.orphan(session)) is not None:
        return Break(None, None, orphan, "evidence is here whose entry is not")
    if (anchor := anchors.broken_row(session)) is not None:
        return Break(None, None, None, f"anchor {anchor[0]}: {anchor[1]}")
    return None


def _projection(held: Held) -> Iterator[Break]:
    """Hold what SQL joins against what the chain adds up to."""
    fold = Fold()
    for entry in held.entries:
        if entry.action not in _ACTIONS:
            yield Break(entry.contact_id, entry.seq, entry.id, f"no entry can say {entry.action!r}")
            return
        fold.take(_act(entry))
    seqs = {entry.id: entry.seq for entry in held.entries}
    differences = [
        *_topics(held, fold),
        *_by_brand("tracking permission", held.tracking, fold.tracking),
        *_by_brand("pause", held.pauses, fold.pauses),
        *_marks(held, fold),
    ]
    for event_id, what in differences:
        yield Break(held.contact_id, seqs.get(event_id or 0), event_id, what)


def _topics(held: Held, fold: Fold) -> Iterator[tuple[int | None, str]]:
    rows = {row.topic_id: row[2:] for row in held.topics}
    for topic_id in sorted(fold.topics.keys() | rows.keys()):
        standing, row = fold.topics.get(topic_id), rows.get(topic_id)
        if standing is None:
            yield None, f"a permission of topic {topic_id} stands that the ledger does not know"
        elif row is None:
            yield standing.event_id, f"the permission of topic {topic_id} is missing"
        elif row != (expected := _row(standing)):
            names = [name for name, one, other in zip(_PERMISSION, row, expected, strict=True) if one != other]
            yield (
                standing.event_id,
                f"the permission of topic {topic_id} is not what the ledger says: {', '.join(names)}",
            )


_PERMISSION = walk.TopicRow._fields[2:]
_row = attrgetter(*_PERMISSION)


def _by_brand(
    what: str, rows: Sequence[TrackingRow | PauseRow], folded: Mapping[int, Tracking | Silence]
) -> Iterator[tuple[int | None, str]]:
    """Compare what is projected for each brand; a row's columns behind its key are the fields of what is folded."""
    standing = {row.brand_id: row[2:] for row in rows}
    for brand_id in sorted(folded.keys() | standing.keys()):
        known = folded.get(brand_id)
        if known is None:
            yield None, f"a {what} of brand {brand_id} stands that the ledger does not know"
        elif standing.get(brand_id) != astuple(known):
            yield known.event_id, f"the {what} of brand {brand_id} is not what the ledger says"


def _marks(held: Held, fold: Fold) -> Iterator[tuple[int | None, str]]:
    mark = held.mark
    said = (fold.objected_at, fold.complained_at, fold.erased)
    marked = (mark.objected_at, mark.complained_at, mark.erased) if mark else (None, None, False)
    if marked == said:
        return
    for name, one, other in zip(("objected_at", "complained_at", "erased_at"), marked, said, strict=True):
        if one != other:
            yield None, f"{name} of the contact is not what the ledger says"


def _act(entry: EntryRow) -> Act:
    return Act(
        _SUBJECTS[entry.subject],
        _ACTIONS[entry.action],
        _STATES[entry.state],
        _ACTORS[entry.actor],
        entry.at,
        entry.recorded_at,
        entry.topic_id,
        entry.brand_id,
        _LEVELS[entry.level],
        _BASES[entry.basis],
        entry.address_key,
        entry.expires_at,
        entry.id,
    )


# Looking up a million times is faster than calling the enumerations.
_SUBJECTS = {member.value: member for member in Subject}
_ACTIONS = {member.value: member for member in Action}
_STATES = {member.value: member for member in State}
_ACTORS = {member.value: member for member in Actor}
_LEVELS: dict[str | None, Level | None] = {None: None, **{member.value: member for member in Level}}
_BASES: dict[str | None, Basis | None] = {None: None, **{member.value: member for member in Basis}}
