"""Profiles with their permission, from one installation to another (docs/reference/profiles-exchange.md).

What is taken in goes through the ledger by the rules of an import: it never lifts a withdrawal, an objection or a
suppression, and never weakens what stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.customers.queries.contacts import contact
from app.customers.services import exchanging
from app.customers.services.exchanging import moment, objects
from consent.errors import NotAllowed
from consent.models import PermissionEvidence, Suppression
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Action, Actor, Standing, Subject
from consent.queries import permissions, topics
from consent.services.ledger import Entry, append
from consent.services.suppress import suppress_address

FORMAT = "permesso.profile/1"


def profiles(session: Session) -> Iterator[dict[str, object]]:
    """Yield the profile of every contact with an address, by id. Read it in one ``snapshot``."""
    slugs = {topic.id: topic.slug for topic in topics.topics(session, archived=True)}
    behind = 0
    while part := exchanging.identities(session, behind):
        for contact_id, identity in part:
            yield {"format": FORMAT, **identity, **_permission(session, contact_id, slugs)}
        behind = part[-1][0]
        session.expunge_all()


def _permission(session: Session, contact_id: int, slugs: Mapping[int, str]) -> dict[str, object]:
    person = contact(session, contact_id)
    standings = permissions.of_contact(session, contact_id)
    suppressed = session.scalars(
        select(Suppression).where(
            Suppression.address_key == person.address_key,
            Suppression.lifted_at.is_(None),
            Suppression.scope == "all",
            Suppression.reason != "erasure",
        )
    )
    return {
        "permissions": [
            _stated(session, slugs[topic_id], standing, person.address_key)
            for topic_id, standing in sorted(standings.items())
            if topic_id in slugs
        ],
        "objected_at": person.objected_at.isoformat() if person.objected_at else None,
        "complained_at": person.complained_at.isoformat() if person.complained_at else None,
        "suppressions": [
            {"reason": row.reason, "source": row.source, "until": row.until.isoformat() if row.until else None}
            for row in suppressed
        ],
    }


def _stated(session: Session, slug: str, standing: Standing, address_key: bytes | None) -> dict[str, object]:
    proof = session.get(PermissionEvidence, standing.event_id) if standing.event_id else None
    return {
        "topic": slug,
        "state": standing.state.value,
        "level": standing.level.value if standing.level else None,
        "basis": standing.basis.value if standing.basis else None,
        "since": standing.since.isoformat() if standing.since else None,
        "expires_at": standing.expires_at.isoformat() if standing.expires_at else None,
        "for_this_address": standing.address_key == address_key,
        "proof": dict(proof.detail) if proof else {},
    }


def take(session: Session, profile: Mapping[str, object], source: str) -> bool:
    """Take a profile in, wholly or not at all; tell whether the person is new.

    Raises ``InvalidInput`` for a profile of another form, an unknown topic, or values that cannot be kept.
    """
    if profile.get("format") != FORMAT:
        raise InvalidInput(_("This is no profile of the form %(form)s.", form=FORMAT))
    contact_id, new = exchanging.take(session, profile, source)
    for stated in objects(profile, "permissions"):
        _take_permission(session, contact_id, stated, source)
    person = contact(session, contact_id)
    for name, action, known in (
        ("objected_at", Action.OBJECT, person.objected_at),
        ("complained_at", Action.COMPLAIN, person.complained_at),
    ):
        if profile.get(name) and known is None:
            at = moment(profile[name])
            append(
                session, contact_id, Entry(Subject.MARKETING, action, Actor.IMPORT, at=at, evidence={"source": source})
            )
    for row in objects(profile, "suppressions"):
        until = moment(row["until"]) if row.get("until") else None
        suppress_address(
            session,
            address_key=person.address_key,
            reason=str(row.get("reason")),
            source=str(row.get("source") or source),
            until=until,
        )
    return new


def _take_permission(session: Session, contact_id: int, stated: Mapping[str, object], source: str) -> None:
    try:
        topic = topics.by_slug(session, str(stated.get("topic")))
        state = State(str(stated.get("state")))
        level = Level(str(stated["level"])) if stated.get("level") else None
        basis = Basis(str(stated["basis"])) if stated.get("basis") else None
    except (NotFound, ValueError) as error:
        raise InvalidInput(_("A permission cannot be read: %(reason)s", reason=str(error))) from None
    proof = stated.get("proof")
    evidence = {str(name): str(text) for name, text in proof.items()} if isinstance(proof, Mapping) else {}
    expires_at = moment(stated["expires_at"]) if stated.get("expires_at") else None
    since = moment(stated.get("since"))
    standing = permissions.of_contact(session, contact_id).get(topic.id, Standing())
    if standing.state is state and standing.since == since:
        return
    # A permission given for another address does not hold for this one.
    if state is State.GRANTED and stated.get("for_this_address") is not True:
        return
    if state is State.GRANTED and expires_at is not None and expires_at <= clock.now():
        return

    def write(action: Action) -> None:
        entry = Entry(
            Subject.TOPIC,
            action,
            Actor.IMPORT,
            topic_id=topic.id,
            level=level,
            basis=basis,
            at=since,
            expires_at=expires_at,
            evidence={"source": source, **evidence},
        )
        append(session, contact_id, entry)

    # What the person withdrew here stays withdrawn, whatever they said there.
    with suppress(NotAllowed):
        if state is State.EXPIRED:
            if standing.state is State.NEVER_ASKED:
                write(Action.REQUEST)
                write(Action.RETRACT)
        elif state is not State.NEVER_ASKED:
            write({State.GRANTED: Action.GRANT, State.WITHDRAWN: Action.WITHDRAW, State.PENDING: Action.REQUEST}[state])
