"""What a whole chain adds up to: the projections that its entries must have left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from consent.policy.ladder import State
from consent.policy.standing import Act, Action, Actor, Effect, Standing, Subject, become, follow


def tracking_effect(granted: bool | None, act: Act) -> Effect:
    """Return what an act about tracking does; ``granted`` is what stands, None before the first."""
    if granted is None:
        return Effect.TAKES
    state = State.GRANTED if granted else State.WITHDRAWN
    return follow(Standing(state, address_key=act.address_key), act)


def marketing_effect(act: Act) -> Effect:
    """Return what an act about all marketing does: nobody but the person takes an objection back."""
    lifted_by_another = act.state is State.GRANTED and act.actor is not Actor.SUBSCRIBER
    return Effect.REFUSED if lifted_by_another else Effect.TAKES


@dataclass(frozen=True)
class Tracking:
    """Whether a brand may track, since when and by which entry."""

    granted: bool
    since: datetime
    event_id: int | None


@dataclass(frozen=True)
class Silence:
    """Until when a brand is to be silent, since when and by which entry."""

    until: datetime | None
    since: datetime
    event_id: int | None


@dataclass
class Fold:
    """The projections of one contact, built by taking the acts of their chain in order."""

    topics: dict[int, Standing] = field(default_factory=dict)
    tracking: dict[int, Tracking] = field(default_factory=dict)
    pauses: dict[int, Silence] = field(default_factory=dict)
    objected_at: datetime | None = None
    complained_at: datetime | None = None
    erased: bool = False

    def take(self, act: Act) -> None:
        """Add the next act."""
        if act.subject is Subject.TOPIC and act.topic_id is not None:
            before = self.topics.get(act.topic_id)
            after = become(before or Standing(), act)
            if before is not None or after.event_id is not None:
                self.topics[act.topic_id] = after
        elif act.subject is Subject.TRACKING and act.brand_id is not None:
            known = self.tracking.get(act.brand_id)
            if tracking_effect(known.granted if known else None, act) is Effect.TAKES:
                self.tracking[act.brand_id] = Tracking(act.state is State.GRANTED, act.at, act.event_id)
        elif act.subject is Subject.MARKETING:
            self._marketing(act)
        elif act.subject is Subject.BRAND and act.brand_id is not None:
            self.pauses.pop(act.brand_id, None)
            if act.action is Action.PAUSE:
                self.pauses[act.brand_id] = Silence(act.expires_at, act.at, act.event_id)
        elif act.action is Action.ERASE:
            self.erased = True
            self.pauses.clear()

    def _marketing(self, act: Act) -> None:
        if marketing_effect(act) is not Effect.TAKES:
            return
        if act.action is Action.OBJECT:
            self.objected_at = self.objected_at or act.at
        elif act.action is Action.COMPLAIN:
            self.complained_at = self.complained_at or act.at
        else:
            self.objected_at = self.complained_at = None
