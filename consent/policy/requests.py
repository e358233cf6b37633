"""A data subject's request as a state machine: what may happen to it when, and where that leads."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import gettext as _

from consent.errors import NotAllowed


class Kind(StrEnum):
    """What is asked for (GDPR 15 to 18, 20, 21)."""

    ACCESS = "access"
    PORTABILITY = "portability"
    CORRECTION = "correction"
    ERASURE = "erasure"
    OBJECTION = "objection"
    RESTRICTION = "restriction"
    OTHER = "other"


class Channel(StrEnum):
    """How it came."""

    PAGE = "page"
    MAIL = "mail"
    PHONE = "phone"
    LETTER = "letter"
    PERSON = "person"


class State(StrEnum):
    """Where a request stands. The last three are its ends."""

    RECEIVED = "received"
    VERIFIED = "verified"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What happens to a request; each is a line of its timeline."""

    RECEIVED = "received"  # the first, which makes the request
    IDENTIFIED = "identified"  # whose data it is about
    VERIFIED = "verified"  # that the person is who they say
    NOTED = "noted"  # called back, asked for more, anything worth keeping
    EXTENDED = "extended"  # two further months, and the person was told why
    REMINDED = "reminded"
    EXPORTED = "exported"
    OBJECTED = "objected"
    RESTRICTED = "restricted"  # kept, and not written to
    CORRECTED = "corrected"
    ERASED = "erased"
    COMPLETED = "completed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the person
    OVERTAKEN = "overtaken"  # the person's data was erased on another way
    PURGED = "purged"  # what is personal in it is gone


class Proof(StrEnum):
    """How the person's identity was established (GDPR 12(6): no more than is needed)."""

    MAILBOX = "mailbox"  # they act from a mailbox that we know
    CALLED_BACK = "called_back"  # on a number known before
    KNOWLEDGE = "knowledge"  # they know what only the person knows: orders, dates
    DOCUMENT = "document"  # a document was seen, and is not kept
    HARMLESS = "harmless"  # an objection harms nobody: none is needed


class Refusal(StrEnum):
    """Why a request is refused."""

    NOT_IDENTIFIED = "not_identified"  # GDPR 11(2), 12(2)
    EXCESSIVE = "excessive"  # manifestly unfounded or excessive, GDPR 12(5)(b)
    NO_DATA = "no_data"
    LAW = "law"  # a law or a claim asks to keep the data, GDPR 17(3)
    OTHER = "other"


class Extension(StrEnum):
    """Why a request takes longer (GDPR 12(3))."""

    COMPLEX = "complex"
    MANY = "many"


_OPEN = {Step.NOTED, Step.EXTENDED, Step.REMINDED}
_ACTS = (Step.EXPORTED, Step.OBJECTED, Step.RESTRICTED, Step.CORRECTED)
_ENDS = {Step.REFUSED: State.REFUSED, Step.WITHDRAWN: State.WITHDRAWN, Step.OVERTAKEN: State.DONE}
TRANSITIONS: dict[tuple[State, Step], State] = {
    **{(state, step): state for state in (State.RECEIVED, State.VERIFIED) for step in _OPEN},
    **{(state, step): end for state in (State.RECEIVED, State.VERIFIED) for step, end in _ENDS.items()},
    (State.RECEIVED, Step.IDENTIFIED): State.RECEIVED,
    (State.VERIFIED, Step.IDENTIFIED): State.VERIFIED,  # once, when it was not known before
    (State.RECEIVED, Step.VERIFIED): State.VERIFIED,
    **{
        (State.VERIFIED, step): State.VERIFIED
        for step in (Step.EXPORTED, Step.OBJECTED, Step.RESTRICTED, Step.CORRECTED)
    },
    (State.VERIFIED, Step.ERASED): State.DONE,
    (State.VERIFIED, Step.COMPLETED): State.DONE,
    **{(state, Step.PURGED): state for state in (State.DONE, State.REFUSED, State.WITHDRAWN)},
}
OPEN_STATES = (State.RECEIVED, State.VERIFIED)


def allows(state: State, step: Step) -> bool:
    """Tell whether ``step`` may happen to a request in ``state``."""
    return (state, step) in TRANSITIONS


def follow(state: State, step: Step) -> State:
    """Return the state after ``step``. Raises ``NotAllowed`` with what to do instead."""
    if allows(state, step):
        return TRANSITIONS[state, step]
    if state not in OPEN_STATES:
        raise NotAllowed(_("This request is closed: file a new one."))
    if state is State.RECEIVED:
        raise NotAllowed(_("First verify who asks: until then nothing is done in their name."))
    raise NotAllowed(_("The identity is verified already. Is it another person? File a new request."))
