"""People who left elsewhere, as an import tells: withdrawn in the ledger, suppressed by address, never permitted.

What they say is the person's word, so it is written down with the day it was said. Only what the person did *here*
later weighs more: a permission that stands since after that day stays.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers.policy.states import Standing
from app.customers.services.importing import Departures
from consent.policy.standing import Action, Subject
from consent.services import many
from consent.services.importing import lock_people

# Whom the file says to have left what the import is about.
_WITHDREW = (Standing.LEFT, Standing.BLOCKED, Standing.COMPLAINED)
_REASONS = {Standing.BLOCKED: "import", Standing.BOUNCED: "hard_bounce", Standing.COMPLAINED: "complaint"}
_LATER = """
SELECT FROM permission p WHERE p.contact_id = d.contact_id AND p.state = 'granted' AND p.address_key = c.address_key
    AND (p.expires_at IS NULL OR p.expires_at > now()) AND p.since > d.at
"""
# ``people`` is a name of ours, not of a user.
_JUDGE = """
INSERT INTO judged_people (contact_id, address_key, email_key, refusal, at, proof)
SELECT c.id, c.address_key, c.email_key,
       CASE WHEN c.erased_at IS NOT NULL THEN 'erased' WHEN {done} THEN 'already'
            WHEN EXISTS ({later}{of_topic}) THEN 'later' END,
       d.at, CASE WHEN d.standing IS NOT NULL THEN jsonb_build_object('standing', d.standing) END
FROM {people} d JOIN contact c ON c.id = d.contact_id
WHERE d.standing = ANY (:standings)
"""
_SUPPRESS = """
INSERT INTO suppression (kind, address_key, sha256, reason, scope, source)
SELECT 'address', c.address_key, sha256(convert_to(c.email_key, 'UTF8')), :reason, 'all', :source
FROM {people} d JOIN contact c ON c.id = d.contact_id
WHERE d.standing = :standing AND c.address_key IS NOT NULL AND c.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM suppression s WHERE s.address_key = c.address_key AND s.lifted_at IS NULL
                  AND s.until IS NULL AND s.reason = :reason AND s.scope = 'all')
  AND NOT EXISTS ({later})
"""


def record(session: Session, departures: Departures, people: str) -> None:
    """Record of everybody in the temporary table ``people`` (contact_id, address_key, standing, at) that they left.

    Who unsubscribed is withdrawn from the import's topic, or, when it names none, suppressed whole, for the file tells
    nothing of what they left. Who complained, bounced or was blocked is suppressed in either case. Repeating it changes
    nothing.
    """
    lock_people(session, people)
    if departures.topic_id is not None:
        _withdraw(session, departures, people, departures.topic_id)
    else:
        _suppress(session, departures, people, Standing.LEFT, "import")
    _complain(session, departures, people)
    for standing, reason in _REASONS.items():
        _suppress(session, departures, people, standing, reason)


def _withdraw(session: Session, departures: Departures, people: str, topic_id: int) -> None:
    done = (
        "EXISTS (SELECT FROM permission p WHERE p.contact_id = c.id AND p.topic_id = :topic_id"
        " AND p.state = 'withdrawn')"
    )
    _judge(session, people, done, " AND p.topic_id = :topic_id", {"topic_id": topic_id}, _WITHDREW)
    _write(session, departures, Subject.TOPIC, Action.WITHDRAW, topic_id)


def _complain(session: Session, departures: Departures, people: str) -> None:
    _judge(session, people, "c.complained_at IS NOT NULL", "", {}, (Standing.COMPLAINED,))
    _write(session, departures, Subject.MARKETING, Action.COMPLAIN, None)


def _judge(
    session: Session,
    people: str,
    done: str,
    of_topic: str,
    values: dict[str, object],
    standings: tuple[Standing, ...],
) -> None:
    many.begin(session)
    statement = _JUDGE.format(people=people, done=done, later=_LATER, of_topic=of_topic)
    session.execute(text(statement), {**values, "standings": [standing.value for standing in standings]})


def _write(session: Session, departures: Departures, subject: Subject, action: Action, topic_id: int | None) -> None:
    detail = {"source": departures.source}
    many.write(
        session,
        subject,
        action,
        "withdrawn",
        departures.at,
        detail,
        topic_id=topic_id,
        language=departures.language,
        batch_id=departures.batch_id,
    )


def _suppress(session: Session, departures: Departures, people: str, standing: Standing, reason: str) -> None:
    statement = _SUPPRESS.format(people=people, later=_LATER)
    session.execute(text(statement), {"standing": standing.value, "reason": reason, "source": departures.source})
