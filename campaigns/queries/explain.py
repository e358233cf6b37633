"""Why somebody did or did not get a campaign: from the message row and the ledger entry that it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFound
from app.customers.queries import contacts
from campaigns.models import Campaign, Message
from campaigns.policy import EXCLUDED, CampaignStatus, MessageState
from campaigns.queries.audience import members
from campaigns.queries.labels import gate_label
from consent.queries import gates
from consent.queries.permissions import LedgerEntry, entries


class Verdict(StrEnum):
    """What a gate said."""

    PASSED = "passed"
    SHUT = "shut"
    NOT_ASKED = "not_asked"  # an earlier one was shut


@dataclass(frozen=True)
class Step:
    """One gate, in the order in which they are asked."""

    gate: str
    label: str
    verdict: Verdict


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
            "gates": [{"gate": step.gate, "verdict": step.verdict.value} for step in self.steps],
            "ledger_entry": _entry_json(self.entry),
            "attempts": self.tried,
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
            "smtp": {"code": self.smtp_code, "reply": self.reply} if self.smtp_code or self.reply else None,
        }


def _entry_json(entry: LedgerEntry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    act = entry.act
    return {
        "id": entry.id,
        "at": act.at.isoformat(),
        "action": act.action.value,
        "state": act.state.value,
        "level": act.level.value if act.level else None,
        "basis": act.basis.value if act.basis else None,
        "actor": act.actor.value,
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
    if message is not None:
        state = MessageState(message.state)
        shut, event_id = message.reason if state is MessageState.SKIPPED else None, message.permission_event_id
        answer = _answer(message, state)
    else:
        state = None
        shut, event_id, answer = _without_message(session, campaign, contact_id)
    return Explanation(
        campaign_id=campaign_id,
        campaign=campaign.name,
        contact_id=contact_id,
        address=contact.email,
        answer=answer,
        state=state,
        reason=message.reason if message else shut,
        now=message is None,
        steps=_steps(shut),
        entry=_entry(session, contact_id, event_id),
        tried=message.attempts if message else 0,
        sent_at=message.sent_at if message else None,
        smtp_code=message.smtp_code if message else None,
        reply=message.reply if message else None,
    )


def _entry(session: Session, contact_id: int, event_id: int | None) -> LedgerEntry | None:
    if event_id is None:
        return None
    return next((entry for entry in entries(session, contact_id) if entry.id == event_id), None)


def _steps(shut: str | None) -> tuple[Step, ...]:
    steps = []
    verdict = Verdict.PASSED
    for gate, label in ((EXCLUDED, gate_label(EXCLUDED)), *gates.GATES):
        if gate == shut:
            verdict = Verdict.SHUT
        steps.append(Step(gate, str(label), verdict))
        if verdict is Verdict.SHUT:
            verdict = Verdict.NOT_ASKED
    return tuple(steps)


def _answer(message: Message, state: MessageState) -> str:
    if state is MessageState.SKIPPED:
        return str(_("Not sent: %(why)s.", why=gate_label(message.reason or "")))
    why = message.reply or str(message.smtp_code or "")
    answers: dict[MessageState, str] = {
        MessageState.QUEUED: _("Waiting to be sent."),
        MessageState.CLAIMED: _("Being sent at this moment."),
        MessageState.SENT: _("Sent, and accepted by the relay."),
        MessageState.DEFERRED: _("Refused for now, and tried again later: %(why)s", why=why),
        MessageState.FAILED: _("Refused for good: %(why)s", why=why),
        MessageState.UNKNOWN: _(
            "Perhaps sent: a process died while it was in flight, and it is never sent twice blindly."
        ),
        MessageState.HELD_OUT: _("Held out for comparison, on purpose."),
        MessageState.CANCELLED: _("Not sent: the campaign was cancelled before its turn came."),
    }
    return answers[state]


def _without_message(session: Session, campaign: Campaign, contact_id: int) -> tuple[str | None, int | None, str]:
    """Return the shut gate, the deciding entry and the answer for somebody the frozen audience does not know."""
    person = select(literal(contact_id).label("contact_id")).cte("person")
    gate, event_id = session.execute(
        select(*gates.gates(campaign.topic_id, campaign.brand_id, clock.now(), person).subquery().c["gate", "event_id"])
    ).one()
    if campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.LAUNCHING):
        return gate, event_id, _("No message: they were in no included segment when the audience was frozen.")
    people = members(session, campaign.id).subquery()
    excluded = session.scalar(select(people.c.excluded).where(people.c.contact_id == contact_id))
    if excluded is None:
        return gate, event_id, _("Not launched yet; they are in no included segment.")
    if excluded:
        gate = EXCLUDED
    if gate is None:
        return gate, event_id, _("Not launched yet; they would get it.")
    return gate, event_id, _("Not launched yet; they would not get it: %(why)s.", why=gate_label(gate))
