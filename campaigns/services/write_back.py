"""Write results of a claim back into ``message``: one statement for all, and only where the claim still holds the row.

A message that has moved on (another claim took it, a bounce settled it) no longer bears this claim's id or is no
longer in flight, so writing the same results twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from app.mail.replies import BounceClass
from app.mail.smtp import Kind
from campaigns.policy import IN_FLIGHT, MAX_ATTEMPTS, MESSAGE_TRANSITIONS, RETRY_DELAYS, MessageAct, MessageState
from campaigns.services import bounces
from consent.services import notices
from consent.services.suppress import suppress_addresses


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """A claim and the campaign it belongs to."""

    id: int
    campaign_id: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one claimed message. ``code`` is 0 where no reply decided it."""

    contact_id: int
    act: MessageAct
    code: int
    enhanced: str
    text: str
    bounce: str | None
    at: datetime


_ACTS = {
    Kind.SENT: MessageAct.ACCEPT,
    Kind.DEFERRED: MessageAct.DEFER,
    Kind.FAILED: MessageAct.FAIL,
    Kind.NOT_TRIED: MessageAct.GIVE_BACK,
    Kind.UNKNOWN: MessageAct.LOSE,
}


def result_of(
    contact_id: int, kind: Kind, *, code: int, enhanced: str, text: str, bounce: str | None, at: datetime
) -> Result:
    """Return the result that an SMTP outcome of this kind is."""
    return Result(contact_id, _ACTS[kind], code, enhanced, text, bounce, at)


def given_back(contact_id: int) -> Result:
    """Return the result of a message that was claimed and certainly not tried."""
    return Result(contact_id, MessageAct.GIVE_BACK, 0, "", "", None, clock.now())


# In flight is the only state that results change (campaigns.policy), so the state before needs no case of its own.
_AFTER = {act: MESSAGE_TRANSITIONS[MessageState.CLAIMED, act].value for act in _ACTS.values()}
_IN_FLIGHT = "(" + ", ".join(f"'{state.value}'" for state in IN_FLIGHT) + ")"

_APPLY = text(f"""
UPDATE message AS m SET
    state = CASE WHEN v.state = 'deferred' AND m.attempts >= :max_attempts THEN 'failed' ELSE v.state END,
    attempts = m.attempts - CASE WHEN v.state = 'queued' THEN 1 ELSE 0 END,
    due_at = CASE WHEN v.state = 'deferred' AND m.attempts < :max_attempts
        -- Spread by contact, so that what one outage delayed does not come back in one second.
        THEN v.at + make_interval(secs => (CAST(:delays AS float8[]))[m.attempts] + m.contact_id % 60) END,
    sent_at = CASE WHEN v.state = 'sent' THEN v.at END,
    failed_at = CASE WHEN v.state = 'failed' OR v.state = 'deferred' AND m.attempts >= :max_attempts THEN v.at END,
    bounce_class = CASE WHEN v.state = 'failed' OR v.state = 'deferred' AND m.attempts >= :max_attempts
        THEN v.bounce END,
    smtp_code = nullif(v.code, 0),
    enhanced_code = nullif(v.enhanced, ''),
    -- Of somebody who was erased meanwhile (no key) nothing is kept that may quote their address.
    reply = CASE WHEN m.address_key IS NOT NULL THEN nullif(v.reply, '') END
FROM unnest(CAST(:contacts AS bigint[]), CAST(:states AS text[]), CAST(:codes AS smallint[]),
            CAST(:enhanced AS text[]), CAST(:replies AS text[]), CAST(:bounces AS text[]),
            CAST(:ats AS timestamptz[])) AS v(contact_id, state, code, enhanced, reply, bounce, at)
WHERE m.campaign_id = :campaign AND m.contact_id = v.contact_id
  AND m.claim_id = :claim AND m.state IN {_IN_FLIGHT}
RETURNING m.contact_id, m.state, m.bounce_class, m.address_key
""")  # noqa: S608 - the only thing put in is a constant of this file


@dataclass(frozen=True, slots=True)
class Written:
    """How many messages went into which state."""

    states: dict[str, int]

    @property
    def waiting(self) -> int:
        """Messages that may be tried again."""
        return self.states.get("queued", 0) + self.states.get("deferred", 0)


def write_back(session: Session, claim: ClaimRef, results: Sequence[Result], *, close: bool = True) -> Written:
    """Apply results to the messages of a claim, suppress addresses that do not exist and, unless told otherwise, close
    the claim."""
    states: dict[str, int] = {}
    gone: list[bytes] = []
    failed: list[int] = []
    soft: list[int] = []
    if results:
        for contact_id, state, bounce, address_key in session.execute(_APPLY, _parameters(claim, results)):
            states[state] = states.get(state, 0) + 1
            if state == MessageState.FAILED:
                failed.append(contact_id)
            if state == MessageState.FAILED and bounce == BounceClass.SOFT:
                soft.append(contact_id)
            if state == MessageState.FAILED and bounce == BounceClass.HARD and address_key is not None:
                gone.append(bytes(address_key))
    if gone:
        suppress_addresses(session, gone, "hard_bounce", source=f"campaign {claim.campaign_id}")
    if soft:
        bounces.weigh(session, claim.campaign_id, soft)
    if failed:
        notices.take_back(session, claim.campaign_id, failed)
    if close:
        close_claim(session, claim, states.get("sent", 0))
    return Written(states)


def _parameters(claim: ClaimRef, results: Sequence[Result]) -> dict[str, object]:
    return {
        "campaign": claim.campaign_id,
        "claim": claim.id,
        "max_attempts": MAX_ATTEMPTS,
        "delays": [delay.total_seconds() for delay in RETRY_DELAYS],
        "contacts": [result.contact_id for result in results],
        "states": [_AFTER[result.act] for result in results],
        "codes": [result.code for result in results],
        "enhanced": [result.enhanced for result in results],
        "replies": [_storable(result) for result in results],
        "bounces": [result.bounce for result in results],
        "ats": [result.at for result in results],
    }


def _storable(result: Result) -> str:
    """Return the reply worth keeping: what was accepted needs none (it would double the size of the row)."""
    return "" if result.act is MessageAct.ACCEPT else result.text[:500].replace("\0", "")


def close_claim(session: Session, claim: ClaimRef, sent: int) -> None:
    """Note that a claim's results are written."""
    session.execute(
        text("UPDATE claim SET closed_at = :now, sent = sent + :sent WHERE id = :id AND closed_at IS NULL"),
        {"now": clock.now(), "sent": sent, "id": claim.id},
    )


_LOSE = text(f"""
UPDATE message SET state = 'unknown' WHERE campaign_id = :campaign AND claim_id = :claim AND state IN {_IN_FLIGHT}
  AND contact_id = ANY(CAST(:contacts AS bigint[]))
""")  # noqa: S608
_LOSE_ALL = text("""
UPDATE message SET state = 'unknown' WHERE campaign_id = :campaign AND claim_id = :claim AND state = 'claimed'
""")
_GIVE_BACK = text(f"""
UPDATE message SET state = 'queued', attempts = attempts - 1
WHERE campaign_id = :campaign AND claim_id = :claim AND state IN {_IN_FLIGHT}
  AND contact_id <> ALL(CAST(:contacts AS bigint[]))
""")  # noqa: S608


def lose(session: Session, claim: ClaimRef, contact_ids: Collection[int]) -> int:
    """Mark messages that were in flight when their process died, and whose outcome nobody knows; returns how many."""
    return _count(session, _LOSE, claim, contact_ids)


def lose_all(session: Session, claim: ClaimRef) -> int:
    """Mark everything a claim still holds: its journal cannot be read. Returns how many."""
    return _count(session, _LOSE_ALL, claim, ())


def give_back_others(session: Session, claim: ClaimRef, tried: Collection[int]) -> int:
    """Queue again all messages of a claim but those ``tried``; returns how many. Only its journal can say who was."""
    return _count(session, _GIVE_BACK, claim, tried)


def _count(session: Session, statement: object, claim: ClaimRef, contact_ids: Collection[int]) -> int:
    parameters: dict[str, object] = {"campaign": claim.campaign_id, "claim": claim.id}
    if contact_ids or statement is not _LOSE_ALL:
        parameters["contacts"] = list(contact_ids)
    rows = session.execute(statement, parameters)  # type: ignore[call-overload]
    return int(rows.rowcount)
