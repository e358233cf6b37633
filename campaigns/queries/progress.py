"""How far a campaign is: messages by state, what was skipped and why, speed, and when it will be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFound
from campaigns.models import Campaign, Claim, Message
from campaigns.policy import CampaignAct, CampaignKind, CampaignStatus, MessageState, may
from campaigns.queries.labels import bounce_label, gate_label
from campaigns.queries.waves import WaveFigures, figures

_WINDOW = timedelta(seconds=30)
_TRIED = (MessageState.SENT, MessageState.FAILED, MessageState.UNKNOWN)
_OPEN = (MessageState.QUEUED, MessageState.CLAIMED, MessageState.DEFERRED)


@dataclass(frozen=True)
class Progress:
    """A campaign while it is sent. ``rate`` is messages a second over the last half minute; ``eta_seconds`` None
    when it cannot be told; ``next_try`` when the first of the deferred ones is tried again."""

    campaign_id: int
    name: str
    status: CampaignStatus
    problem: str | None
    counts: dict[str, int]
    skipped: dict[str, int]
    failed: dict[str, int]
    returned: dict[str, int]
    rate: float
    eta_seconds: int | None
    next_try: datetime | None
    launched_at: datetime | None
    finished_at: datetime | None
    waves: WaveFigures | None = None

    def count(self, *states: str) -> int:
        """How many messages are in these states."""
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def segment(self) -> int:
        """Members of the frozen audience."""
        return sum(self.counts.values())

    @property
    def recipients(self) -> int:
        """Messages to be tried: the audience without skipped and held-out."""
        return self.segment - self.count(MessageState.SKIPPED, MessageState.HELD_OUT)

    @property
    def done(self) -> int:
        """Messages that were tried to an end."""
        return self.count(*_TRIED)

    @property
    def left(self) -> int:
        """Messages that are still to be tried, or in flight."""
        return self.count(*_OPEN)

    @property
    def percent(self) -> int:
        """``done`` of ``recipients``, cancelled ones aside; never 100 before the last one."""
        total = self.recipients - self.count(MessageState.CANCELLED)
        return 100 if not self.left else self.done * 100 // total

    @property
    def live(self) -> bool:
        """Whether the figures still move."""
        return self.status in (CampaignStatus.LAUNCHING, CampaignStatus.SENDING) or bool(
            self.count(MessageState.CLAIMED)
        )

    @property
    def skipped_lines(self) -> list[tuple[str, int]]:
        """Why members were not written to, in words, the most frequent first."""
        return [(gate_label(gate), count) for gate, count in _by_count(self.skipped)]

    @property
    def failed_lines(self) -> list[tuple[str, int]]:
        """Why messages failed, in words, the most frequent first."""
        return [(bounce_label(named), count) for named, count in _by_count(self.failed)]

    @property
    def returned_lines(self) -> list[tuple[str, int]]:
        """Why messages came back after they had been sent, in words, the most frequent first."""
        return [(bounce_label(named), count) for named, count in _by_count(self.returned)]

    def allows(self, act: str) -> bool:
        """Whether a person may ``pause``, ``resume`` or ``cancel`` it now."""
        return may(self.status, CampaignAct(act))


def _by_count(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


def progress(session: Session, campaign_id: int) -> Progress:
    """Return how far a campaign is. Raises ``NotFound``."""
    campaign = session.get(Campaign, campaign_id, populate_existing=True)
    if campaign is None:
        raise NotFound(f"There is no campaign with the number {campaign_id}.")
    counts, skipped, failed, returned = _counts(session, campaign_id)
    status = CampaignStatus(campaign.status)
    rate = _rate(session, campaign_id) if status is CampaignStatus.SENDING else 0.0
    queued = counts.get(MessageState.QUEUED, 0) + counts.get(MessageState.CLAIMED, 0)
    return Progress(
        campaign_id=campaign_id,
        name=campaign.name,
        status=status,
        problem=campaign.problem,
        counts=counts,
        skipped=skipped,
        failed=failed,
        returned=returned,
        rate=rate,
        eta_seconds=int(queued / rate) + 1 if rate and queued else None,
        next_try=_next_try(session, campaign_id) if counts.get(MessageState.DEFERRED) else None,
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
        waves=figures(session, campaign_id) if campaign.kind == CampaignKind.REPERMISSION else None,
    )


def _counts(session: Session, campaign_id: int) -> tuple[dict[str, int], ...]:
    """Return messages by state, the skipped ones by reason, those that failed and those that came back by class."""
    skipped: dict[str, int] = {}
    failed: dict[str, int] = {}
    returned: dict[str, int] = {}
    counts: dict[str, int] = {}
    rows = session.execute(
        select(Message.state, Message.reason, Message.bounce_class, func.count())
        .where(Message.campaign_id == campaign_id)
        .group_by(Message.state, Message.reason, Message.bounce_class)
    )
    for state, reason, bounce_class, count in rows:
        counts[state] = counts.get(state, 0) + count
        if state == MessageState.SKIPPED:
            skipped[reason or ""] = skipped.get(reason or "", 0) + count
        elif state == MessageState.FAILED:
            failed[bounce_class or ""] = failed.get(bounce_class or "", 0) + count
        elif bounce_class:
            returned[bounce_class] = returned.get(bounce_class, 0) + count
    return counts, skipped, failed, returned


def _rate(session: Session, campaign_id: int) -> float:
    """Return messages a second, from the claims closed lately: their rows are few, those of messages many."""
    since = clock.now() - _WINDOW
    sent, first = session.execute(
        select(func.sum(Claim.sent), func.min(Claim.taken_at)).where(
            Claim.campaign_id == campaign_id, Claim.closed_at > since
        )
    ).one()
    if not sent:
        return 0.0
    return float(sent) / max((clock.now() - first).total_seconds(), 1.0)


def _next_try(session: Session, campaign_id: int) -> datetime | None:
    return session.scalar(
        select(func.min(Message.due_at)).where(Message.campaign_id == campaign_id, text("message.state = 'deferred'"))
    )
