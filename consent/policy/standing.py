"""What may follow what: the state machine of a permission, and the decision whether mail may be sent.

The ledger holds acts; a *standing* is what they add up to. ``follow`` is the one machine: the ledger asks it before
it writes, the projection is its result, and ``decide`` folds a whole history with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from consent.policy.ladder import Basis, Level, State, pair
from consent.policy.profiles import accepted


class Action(StrEnum):
    """What an entry says happened."""

    REQUEST = "request"  # asked for, not yet confirmed: anybody can type an address
    GRANT = "grant"  # yes, from the mailbox (a link we sent there) or as stated by staff or an import
    CONFIRM = "confirm"  # yes, by the button behind the confirmation mail
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    SILENCE = "silence"  # asked whether they still want it, and did not answer in time
    RETRACT = "retract"  # the import that stated it was taken back
    OBJECT = "object"  # to all marketing (GDPR 21(2))
    COMPLAIN = "complain"  # reported as spam
    PAUSE = "pause"  # no mail of a brand until then
    RESUME = "resume"
    CORRECT = "correct"  # of the address
    MERGE = "merge"
    PART = "part"  # a merge is undone
    ERASE = "erase"


class Actor(StrEnum):
    """Who acted."""

    SUBSCRIBER = "subscriber"
    STAFF = "staff"
    IMPORT = "import"
    SYSTEM = "system"


class Subject(StrEnum):
    """What an entry is about."""

    TOPIC = "topic"
    TRACKING = "tracking"
    MARKETING = "marketing"
    BRAND = "brand"
    CONTACT = "contact"


class Effect(StrEnum):
    """What an act does to the standing."""

    TAKES = "takes"  # the act becomes the standing
    KEEPS = "keeps"  # it is recorded, the standing stays
    REFUSED = "refused"  # it must not be written


@dataclass(frozen=True)
class Standing:
    """What all acts so far add up to, for one subject."""

    state: State = State.NEVER_ASKED
    level: Level | None = None
    basis: Basis | None = None
    address_key: bytes | None = None
    since: datetime | None = None
    expires_at: datetime | None = None
    event_id: int | None = None

    def at(self, now: datetime) -> Standing:
        """Return the standing as of ``now``: past its time it counts as expired, whether or not that is written."""
        lapsed = self.expires_at is not None and self.expires_at <= now
        if lapsed and self.state in (State.PENDING, State.GRANTED):
            return replace(self, state=State.EXPIRED)
        return self


@dataclass(frozen=True)
class Act:
    """One entry of the ledger, as far as decisions need it. ``state`` is what the act alone says."""

    subject: Subject
    action: Action
    state: State
    actor: Actor
    at: datetime
    recorded_at: datetime
    topic_id: int | None = None
    brand_id: int | None = None
    level: Level | None = None
    basis: Basis | None = None
    address_key: bytes | None = None
    expires_at: datetime | None = None
    event_id: int | None = None


# The state that each action states by itself; what is absent here may state any (an import, staff).
STATES: Mapping[Action, State] = {
    Action.REQUEST: State.PENDING,
    Action.GRANT: State.GRANTED,
    Action.CONFIRM: State.GRANTED,
    Action.WITHDRAW: State.WITHDRAWN,
    Action.EXPIRE: State.EXPIRED,
    Action.SILENCE: State.EXPIRED,
    Action.RETRACT: State.EXPIRED,
    Action.OBJECT: State.WITHDRAWN,
    Action.COMPLAIN: State.WITHDRAWN,
    Action.ERASE: State.WITHDRAWN,
}
ACTIONS: Mapping[Subject, frozenset[Action]] = {
    Subject.TOPIC: frozenset(
        {
            Action.REQUEST,
            Action.GRANT,
            Action.CONFIRM,
            Action.WITHDRAW,
            Action.EXPIRE,
            Action.SILENCE,
            Action.RETRACT,
        }
    ),
    Subject.TRACKING: frozenset({Action.GRANT, Action.CONFIRM, Action.WITHDRAW}),
    Subject.MARKETING: frozenset({Action.OBJECT, Action.COMPLAIN, Action.CONFIRM}),
    Subject.BRAND: frozenset({Action.PAUSE, Action.RESUME}),
    Subject.CONTACT: frozenset({Action.CORRECT, Action.MERGE, Action.PART, Action.ERASE}),
}


_NEVER = datetime.max.replace(tzinfo=UTC)


def _weight(said: Standing | Act) -> tuple[bool, int, datetime]:
    """Consent outweighs every other basis; then the higher rung; then what lasts longer."""
    return said.basis is Basis.CONSENT, -1 if said.level is None else said.level.rung, said.expires_at or _NEVER


def _grant(standing: Standing, act: Act) -> Effect:
    """A yes: never over a withdrawal unless it is the person's own; never weaker than what stands."""
    if standing.state is State.WITHDRAWN and act.actor is not Actor.SUBSCRIBER:
        return Effect.REFUSED
    if standing.at(act.recorded_at).state is not State.GRANTED or standing.address_key != act.address_key:
        return Effect.TAKES
    return Effect.KEEPS if _weight(act) < _weight(standing) else Effect.TAKES


def _request(standing: Standing, act: Act) -> Effect:
    """A request is typed by anybody, so it neither lowers what stands nor lifts a withdrawal."""
    if standing.at(act.recorded_at).state in (State.NEVER_ASKED, State.PENDING, State.EXPIRED):
        return Effect.TAKES
    return Effect.KEEPS


def follow(standing: Standing, act: Act) -> Effect:
    """Return what ``act`` does to ``standing``; both are about the same subject."""
    if act.state is State.WITHDRAWN:
        return Effect.KEEPS if standing.state is State.WITHDRAWN else Effect.TAKES
    if act.state is State.EXPIRED:
        standing_open = standing.state in (State.PENDING, State.GRANTED)
        over = act.action in (Action.SILENCE, Action.RETRACT) or standing.at(act.recorded_at).state is State.EXPIRED
        return Effect.TAKES if standing_open and over else Effect.REFUSED
    if act.state is State.PENDING:
        return _request(standing, act)
    if act.state is State.GRANTED:
        return _grant(standing, act)
    return Effect.REFUSED


def become(standing: Standing, act: Act) -> Standing:
    """Return the standing after ``act``."""
    if follow(standing, act) is not Effect.TAKES:
        return standing
    return Standing(act.state, act.level, act.basis, act.address_key, act.at, act.expires_at, act.event_id)


@dataclass(frozen=True)
class TopicTerms:
    """What a decision needs to know of a topic: itself, its brand, and the pairs it accepts for each profile."""

    id: int
    brand_id: int
    accepts: Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class Decision:
    """Whether mail may be sent: ``gate`` is None, or the first gate that is shut; and the entry that decides."""

    gate: str | None
    event_id: int | None
    standing: Standing


def topic_gate(standing: Standing, pairs: frozenset[str], address_key: bytes, now: datetime) -> str | None:
    """Return the first gate that a topic's standing shuts, or None."""
    current = standing.at(now)
    if current.state is not State.GRANTED:
        return "no_permission" if current.state is State.NEVER_ASKED else f"permission_{current.state.value}"
    if pair(current.basis, current.level) not in pairs:
        return "permission_too_weak"
    return None if current.address_key == address_key else "address_changed"


def decide(
    history: Iterable[Act],
    topic: TopicTerms,
    profile: str,
    now: datetime,
    address_key: bytes | None,
    country: str | None = None,
) -> Decision:
    """Decide from the ledger alone whether a contact may get mail of a topic.

    ``history`` is the contact's whole ledger in order; ``profile`` the brand's; ``address_key`` that of the present
    address; ``country`` where the contact is known to live. Suppression is not part of it: that concerns addresses,
    not permission. Nor is what was said under a number merged into this one (``queries.covering``).
    """
    standing, marketing, erased = Standing(), Standing(), None
    complained, pause = False, Standing()
    for act in history:
        if act.subject is Subject.TOPIC and act.topic_id == topic.id:
            standing = become(standing, act)
        elif act.subject is Subject.MARKETING:
            complained = act.action is Action.COMPLAIN or (complained and act.state is not State.GRANTED)
            marketing = Standing(act.state, event_id=act.event_id)
        elif act.subject is Subject.BRAND and act.brand_id == topic.brand_id:
            pause = Standing(expires_at=act.expires_at if act.action is Action.PAUSE else None, event_id=act.event_id)
        elif act.action is Action.ERASE:
            erased = act.event_id
    if erased is not None:
        return Decision("erased", erased, standing)
    if address_key is None:
        return Decision("no_address", None, standing)
    if marketing.state is State.WITHDRAWN:
        return Decision("complained" if complained else "objected", marketing.event_id, standing)
    gate = topic_gate(standing, accepted(topic.accepts, profile, country), address_key, now)
    if gate is None and pause.expires_at is not None and pause.expires_at > now:
        return Decision("paused", pause.event_id, standing)
    return Decision(gate, standing.event_id, standing)
