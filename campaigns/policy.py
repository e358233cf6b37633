"""The machines of campaign and message, and when a delayed message is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from campaigns.errors import WrongState


class CampaignKind(StrEnum):
    """What a campaign is for."""

    MAILING = "mailing"
    REPERMISSION = "repermission"  # asks whether people still want to be written to, in waves


class CampaignStatus(StrEnum):
    """Where a campaign is in its life."""

    DRAFT = "draft"
    LAUNCHING = "launching"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class CampaignAct(StrEnum):
    """What happens to a campaign."""

    LAUNCH = "launch"
    REFUSE = "refuse"  # the launch failed; ``problem`` says why
    FROZEN = "frozen"  # the audience stands, mail flows
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    REOPEN = "reopen"  # a host that was held for lost brings back messages it never tried
    CANCEL = "cancel"


_S, _A = CampaignStatus, CampaignAct
CAMPAIGN_TRANSITIONS: dict[tuple[CampaignStatus, CampaignAct], CampaignStatus] = {
    (_S.DRAFT, _A.LAUNCH): _S.LAUNCHING,
    (_S.LAUNCHING, _A.REFUSE): _S.DRAFT,
    (_S.LAUNCHING, _A.FROZEN): _S.SENDING,
    (_S.LAUNCHING, _A.CANCEL): _S.CANCELLED,
    (_S.SENDING, _A.PAUSE): _S.PAUSED,
    (_S.SENDING, _A.FINISH): _S.FINISHED,
    (_S.SENDING, _A.CANCEL): _S.CANCELLED,
    (_S.PAUSED, _A.RESUME): _S.SENDING,
    (_S.PAUSED, _A.CANCEL): _S.CANCELLED,
    (_S.FINISHED, _A.REOPEN): _S.SENDING,
}


def next_status(status: CampaignStatus, act: CampaignAct) -> CampaignStatus:
    """Return the status after ``act``. Raises ``WrongState`` when it may not happen now."""
    try:
        return CAMPAIGN_TRANSITIONS[status, act]
    except KeyError:
        raise WrongState(status.value, act.value) from None


def may(status: CampaignStatus, act: CampaignAct) -> bool:
    """Tell whether ``act`` may happen to a campaign in ``status``."""
    return (status, act) in CAMPAIGN_TRANSITIONS


class MessageState(StrEnum):
    """What has become of one member of a frozen audience."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"  # accepted by the relay
    DEFERRED = "deferred"  # refused for now; ``due_at`` says when to try again
    FAILED = "failed"  # refused for good
    UNKNOWN = "unknown"  # in flight when a process died; never tried again blindly
    SKIPPED = "skipped"  # not tried; ``reason`` is the first failing gate
    HELD_OUT = "held_out"
    CANCELLED = "cancelled"


class MessageAct(StrEnum):
    """What happens to a message."""

    CLAIM = "claim"
    REFUSE = "refuse"  # a gate closed since the audience was frozen
    ACCEPT = "accept"  # 2xx
    DEFER = "defer"  # 4xx
    FAIL = "fail"  # 5xx, or its last try was deferred
    GIVE_BACK = "give_back"  # claimed, and certainly not tried
    LOSE = "lose"  # its final dot was written, or may have been, and no reply is known
    CANCEL = "cancel"


_M, _T = MessageState, MessageAct
MESSAGE_TRANSITIONS: dict[tuple[MessageState, MessageAct], MessageState] = {
    (_M.QUEUED, _T.CLAIM): _M.CLAIMED,
    (_M.QUEUED, _T.REFUSE): _M.SKIPPED,
    (_M.QUEUED, _T.CANCEL): _M.CANCELLED,
    (_M.DEFERRED, _T.CLAIM): _M.CLAIMED,
    (_M.DEFERRED, _T.REFUSE): _M.SKIPPED,
    (_M.DEFERRED, _T.CANCEL): _M.CANCELLED,
    (_M.CLAIMED, _T.ACCEPT): _M.SENT,
    (_M.CLAIMED, _T.DEFER): _M.DEFERRED,
    (_M.CLAIMED, _T.FAIL): _M.FAILED,
    (_M.CLAIMED, _T.GIVE_BACK): _M.QUEUED,
    (_M.CLAIMED, _T.LOSE): _M.UNKNOWN,
    # The journal of a host that was held for lost, or later evidence, says what happened after all.
    (_M.UNKNOWN, _T.ACCEPT): _M.SENT,
    (_M.UNKNOWN, _T.DEFER): _M.DEFERRED,
    (_M.UNKNOWN, _T.FAIL): _M.FAILED,
    (_M.UNKNOWN, _T.GIVE_BACK): _M.QUEUED,
    (_M.UNKNOWN, _T.LOSE): _M.UNKNOWN,
}

WAITING = (MessageState.QUEUED, MessageState.DEFERRED)  # may still be tried
OPEN = (*WAITING, MessageState.CLAIMED)  # keeps a campaign from being finished
IN_FLIGHT = (MessageState.CLAIMED, MessageState.UNKNOWN)  # what the journal of a claim may settle


# Greylisting lets a second try pass after some minutes; RFC 5321 §4.5.4.1 asks for half-hours and four to five days,
# which is longer than a mailing stays fresh: the last try is some 30 hours after the first.
RETRY_DELAYS: tuple[timedelta, ...] = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=14),
)
MAX_ATTEMPTS = len(RETRY_DELAYS) + 1

# The gates that a campaign itself adds to those of consent.
EXCLUDED = "excluded_segment"
ASKED_BEFORE = "asked_before"  # another re-permission campaign asks them, or did and got no answer since
NO_NEED = "no_need"  # answered, renewed or left between the freeze and their wave
OWN_GATES = (EXCLUDED, ASKED_BEFORE, NO_NEED)
MERGED = "merged"  # a gate of consent's that a campaign shuts, too, when it went to the person under another number


# Re-permission


@dataclass(frozen=True)
class Waves:
    """How a re-permission campaign asks.

    Whom: those to whom any of ``ends_within_days``, ``weaker`` (than confirmed consent), ``imported`` and
    ``quiet_months`` (tracked mail, and no open, click or order for so long) applies; None and False ask nobody.
    ``per_day`` is the size of a wave; who has not answered ``answer_days`` after the mail has said no.
    Limits are shares. Gmail asks bulk senders to stay below 0.1 % complaints (support.google.com/mail/answer/81126).
    """

    per_day: int = 1000
    answer_days: int = 30
    ends_within_days: int | None = 60
    weaker: bool = True
    imported: bool = False
    quiet_months: int | None = None
    max_complaints: float = 0.001
    max_bounces: float = 0.05
    min_sample: int = 500

    @property
    def asks_somebody(self) -> bool:
        """Tell whether any reason to ask is chosen."""
        return bool(self.ends_within_days or self.weaker or self.imported or self.quiet_months)


@dataclass(frozen=True)
class Sample:
    """What became of the messages that a re-permission campaign has tried since it was last judged."""

    attempted: int
    delivered: int
    bounces: int
    complaints: int


def breach(waves: Waves, sample: Sample) -> str | None:
    """Return the limit that a sample reaches, ``complaints`` or ``bounces``, or None; a small sample reaches none."""
    if sample.attempted < waves.min_sample:
        return None
    if sample.complaints and sample.complaints >= waves.max_complaints * sample.delivered:
        return "complaints"
    if sample.bounces and sample.bounces >= waves.max_bounces * sample.attempted:
        return "bounces"
    return None
