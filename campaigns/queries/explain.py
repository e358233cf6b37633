"""Why somebody did or did not get a campaign: from the message row and the ledger entry that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFound
from app.customers.queries import contacts, merging
from campaigns.models import Campaign, Message
from campaigns.policy import EXCLUDED, OWN_GATES, CampaignStatus, MessageState
from campaigns.queries.audience import members
from campaigns.queries.labels import bounce_label, gate_label
from consent.queries import verdicts
from consent.queries.permissions import LedgerEntry, entries
from consent.queries.verdicts import GateVerdict, Verdict

Gates = tuple[GateVerdict, ...]


@dataclass(frozen=True)
class Step:
    """One gate, in the order in which they are asked: what it said, what it says today (None when that is the same
    moment), and the ledger entry that shuts it or lets through."""

    gate: str
    label: str
    verdict: Verdict
    today: Verdict | None
    entry: LedgerEntry | None


@dataclass(frozen=True)
class Explanation:
    """The whole answer. ``answer`` is one sentence; ``state`` is None for somebody without a message; ``steps`` are
    the gates as they stood then (``now`` False) or as they stand now; ``entry`` the ledger entry that decided."""

    campaign_id: int
    campaign: str
    contact_id: int
    address: str | None
    answer: str
    state: MessageState | None
    reason: str | None
    now: bool
    steps: tuple[Step, ...]
    entry: LedgerEntry | None
    tried: int
    sent_at: datetime | None
    smtp_code: int | None
    reply: str | None

    def to_json(self) -> dict[str, object]:
        """Return the answer as ``flask campaigns explain`` prints it."""
        return {
            "campaign": self.campaign_id,
            "contact": self.contact_id,
            "address": self.address,
            "answer": self.answer,
            "state": self.state,
            "reason": self.reason,
            "as_of": "now" if self.now else "then",
            "gates": [
                {"gate": step.gate, "verdict": step.verdict, "today": step.today, "entry": _brief(step.entry)}
                for step in self.steps
            ],
            "ledger_entry": _entry_json(self.entry),
            "attempts": self.tried,
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
            "smtp": {"code": self.smtp_code, "reply": self.reply} if self.smtp_code or self.reply else None,
        }


def _brief(entry: LedgerEntry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    act = entry.act
    return {
        "id": entry.id,
        "seq": entry.seq,
        "action": act.action.value,
        "at": act.at.isoformat(),
        "actor": act.actor.value,
    }


def _entry_json(entry: LedgerEntry | None) -> dict[str, object] | None:
    brief = _brief(entry)
    if entry is None or brief is None:
        return None
    act = entry.act
    return brief | {
        "recorded_at": act.recorded_at.isoformat(),
        "state": act.state.value,
        "level": act.level.value if act.level else None,
        "basis": act.basis.value if act.basis else None,
        "actor_id": entry.actor_id,
        "wording": entry.wording or None,
        "wording_version": entry.wording_version,
        "campaign": entry.campaign_id,
        "evidence": dict(entry.evidence),
    }


def explain(session: Session, campaign_id: int, contact_id: int) -> Explanation:
    """Say why a contact did or did not get a campaign. Raises ``NotFound``."""
    campaign = session.get(Campaign, campaign_id, populate_existing=True)
    if campaign is None:
        raise NotFound(_("There is no campaign with the number %(id)s.", id=campaign_id))
    contact = contacts.contact(session, contact_id)
    message = session.get(Message, (campaign_id, contact_id), populate_existing=True)
    numbers = merging.person(session, contact_id)
    known = {entry.id: entry for number in numbers for entry in entries(session, number)}
    today = verdicts.verdicts(session, contact_id, campaign.topic_id, campaign.brand_id, clock.now())
    if message is not None:
        state = MessageState(message.state)
        shut, event_id = message.reason if state is MessageState.SKIPPED else None, message.permission_event_id
        steps, answer = _then(shut, event_id, today, known), _answer(message, state)
    else:
        state = None
        member, own = _member(session, campaign, contact_id)
        shut, event_id = _decides(own, today)
        steps, answer = _now(own, today, known), _without_message(campaign, member, shut)
    return Explanation(
        campaign_id=campaign_id,
        campaign=campaign.name,
        contact_id=contact_id,
        address=contact.email,
        answer=answer,
        state=state,
        reason=message.reason if message else shut,
        now=message is None,
        steps=steps,
        entry=known.get(event_id or 0),
        tried=message.attempts if message else 0,
        sent_at=message.sent_at if message else None,
        smtp_code=message.smtp_code if message else None,
        reply=message.reply if message else None,
    )


def _then(shut: str | None, event_id: int | None, today: Gates, known: Mapping[int, LedgerEntry]) -> tuple[Step, ...]:
    """Return the gates as the message row has kept them, beside what they say today."""
    own = shut if shut in OWN_GATES else None
    then = verdicts.told(shut, event_id)
    return (
        _own(own),
        *(
            Step(
                gate.gate,
                gate.label,
                Verdict.NOT_ASKED if own else gate.verdict,
                present.verdict,
                None if own else known.get(gate.event_id or 0),
            )
            for gate, present in zip(then, today, strict=True)
        ),
    )


def _own(own: str | None) -> Step:
    """Return the campaign's own gate: the one that is shut, or that of excluded segments."""
    gate = own or EXCLUDED
    return Step(gate, gate_label(gate), Verdict.SHUT if own else Verdict.PASSED, None, None)


def _now(own: str | None, today: Gates, known: Mapping[int, LedgerEntry]) -> tuple[Step, ...]:
    return (
        _own(own),
        *(Step(gate.gate, gate.label, gate.verdict, None, known.get(gate.event_id or 0)) for gate in today),
    )


def _decides(own: str | None, today: Gates) -> tuple[str | None, int | None]:
    """Return the gate that decides, None when all are open, and the ledger entry it decides by."""
    if own:
        return own, None
    shut = verdicts.deciding(today)
    if shut is not None:
        return shut.gate, shut.event_id
    return None, next((gate.event_id for gate in reversed(today) if gate.event_id), None)


def _answer(message: Message, state: MessageState) -> str:
    if state is MessageState.SKIPPED:
        return str(_("Not sent: %(why)s.", why=gate_label(message.reason or "")))
    why = message.reply or str(message.smtp_code or "")
    answers: dict[MessageState, str] = {
        MessageState.QUEUED: _("Waiting to be sent."),
        MessageState.CLAIMED: _("Being sent at this moment."),
        MessageState.SENT: _("Sent, and came back: %(why)s", why=why or bounce_label(message.bounce_class or ""))
        if message.failed_at
        else _("Sent, and accepted by the relay."),
        MessageState.DEFERRED: _("Refused for now, and tried again later: %(why)s", why=why)
        if message.due_at
        else _("Waiting for their wave."),
        MessageState.FAILED: _("Refused for good: %(why)s", why=why),
        MessageState.UNKNOWN: _(
            "Perhaps sent: a process died while it was in flight, and it is never sent twice blindly."
        ),
        MessageState.HELD_OUT: _("Held out for comparison, on purpose."),
        MessageState.CANCELLED: _("Not sent: the campaign was cancelled before its turn came."),
    }
    return answers[state]


def _member(session: Session, campaign: Campaign, contact_id: int) -> tuple[bool, str | None]:
    """Tell whether a campaign to come is for somebody, and which of its own gates is shut for them."""
    if campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.LAUNCHING):
        return False, None
    people = members(session, campaign.id).subquery()
    found = session.execute(select(people.c.shut).where(people.c.contact_id == contact_id)).one_or_none()
    return found is not None, found.shut if found else None


def _without_message(campaign: Campaign, member: bool, shut: str | None) -> str:
    """Return the answer for somebody the frozen audience does not know."""
    if campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.LAUNCHING):
        return str(_("No message: they were in no included segment when the audience was frozen."))
    if not member:
        return str(_("Not launched yet; they are in no included segment."))
    if shut is None:
        return str(_("Not launched yet; they would get it."))
    return str(_("Not launched yet; they would not get it: %(why)s.", why=gate_label(shut)))
