"""May we write to this person about this? Every gate in its order, what it says, and the ledger entry that decides it.

The conditions are those of ``gates``, which freezing and claiming join: nobody writes them twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, false, func, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.customers.queries.contacts import contact_table
from consent.models import Pause, Permission
from consent.policy.standing import Subject
from consent.queries import covering, gates

# The gates that ask for something else than the permission of the topic, and which entry speaks of it.
_WISHES = {"complained": "marketing_entry", "objected": "marketing_entry"}
_OTHERS = {"erased": "contact_entry", "merged": "contact_entry", "paused": "pause_entry", **_WISHES}
_ADDRESS = frozenset({"no_address", "suppressed"})


class Verdict(StrEnum):
    """What a gate said."""

    PASSED = "passed"
    SHUT = "shut"
    NOT_ASKED = "not_asked"  # it presumes one that is shut


@dataclass(frozen=True)
class GateVerdict:
    """One gate. ``event_id`` is the ledger entry that shuts it, or that lets through; None when there is none."""

    gate: str
    label: str
    verdict: Verdict
    event_id: int | None = None


def verdicts(session: Session, contact_id: int, topic_id: int, brand_id: int, now: datetime) -> tuple[GateVerdict, ...]:
    """Return every gate in the order in which it is asked, as it stands at ``now``. Raises ``NotFound``.

    The first shut one decides whether mail is sent; others may be shut as well. The gates of a permission ask more and
    more of it, so those behind a shut one are not asked.
    """
    row = _row(session, contact_id, topic_id, brand_id, now)
    found: list[GateVerdict] = []
    ended = False  # the permission itself is not enough
    for gate, _ in gates.GATES:
        of_permission = _of_permission(gate)
        verdict = Verdict.SHUT if row[gate] else Verdict.PASSED
        if of_permission and ended:
            verdict = Verdict.NOT_ASKED
        ended = ended or (of_permission and verdict is Verdict.SHUT)
        found.append(GateVerdict(gate, gates.label(gate), verdict, _entry(row, gate, verdict, of_permission)))
    return tuple(found)


def deciding(found: tuple[GateVerdict, ...]) -> GateVerdict | None:
    """Return the first gate that is shut; None when mail may be sent."""
    return next((gate for gate in found if gate.verdict is Verdict.SHUT), None)


def told(gate: str | None, event_id: int | None) -> tuple[GateVerdict, ...]:
    """Return the gates as a decision has stored them: those before the shut one were open, later ones not asked.

    ``event_id`` is the entry it stored: of the shut gate where that has one, else of the permission.
    """
    found: list[GateVerdict] = []
    verdict = Verdict.PASSED
    permission_decides = gate is None or gate in _ADDRESS or _of_permission(gate)
    for name, _ in gates.GATES:
        asked = Verdict.SHUT if name == gate else verdict
        rests = permission_decides and _of_permission(name)
        decides = (asked is Verdict.SHUT and name not in _ADDRESS) or (asked is Verdict.PASSED and rests)
        found.append(GateVerdict(name, gates.label(name), asked, event_id if decides else None))
        verdict = Verdict.NOT_ASKED if asked is not Verdict.PASSED else verdict
    return tuple(found)


def _of_permission(gate: str) -> bool:
    return gate not in _OTHERS and gate not in _ADDRESS


def _row(session: Session, contact_id: int, topic_id: int, brand_id: int, now: datetime) -> dict[str, object]:
    contact = contact_table()
    shut = [func.coalesce(when, false()).label(gate) for gate, when in gates.conditions(topic_id, brand_id, now)]
    entries = [
        gates.latest(subject).label(f"{subject.value}_entry") for subject in (Subject.CONTACT, Subject.MARKETING)
    ]
    permission = func.coalesce(covering.withdrawal(topic_id), Permission.event_id).label("topic_entry")
    entries[1] = func.coalesce(covering.refusal(), entries[1]).label(f"{Subject.MARKETING.value}_entry")
    query = (
        select(*shut, *entries, permission, Pause.event_id.label("pause_entry"))
        .select_from(contact)
        .outerjoin(Permission, and_(Permission.contact_id == contact.c.id, Permission.topic_id == topic_id))
        .outerjoin(Pause, and_(Pause.contact_id == contact.c.id, Pause.brand_id == brand_id))
        .where(contact.c.id == contact_id)
    )
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no contact {contact_id}.")
    return dict(row)


def _entry(row: dict[str, object], gate: str, verdict: Verdict, of_permission: bool) -> int | None:
    """Return the entry that shuts a gate; of an open one, the permission it rests on, or the wish taken back."""
    if verdict is Verdict.NOT_ASKED:
        return None
    if of_permission:
        found = row["topic_entry"]
    elif gate in _WISHES or (gate in _OTHERS and verdict is Verdict.SHUT):
        found = row[_OTHERS[gate]]
    else:
        return None
    assert found is None or isinstance(found, int)
    return found
