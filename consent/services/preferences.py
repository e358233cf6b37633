"""The preference page: topics and tracking, on and off, by the link that came with a mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.core import clock
from app.core.errors import InvalidToken
from app.customers.queries import merging
from app.customers.queries.contacts import ContactInfo, contact, several
from consent.errors import NotAllowed
from consent.policy.ladder import Basis, Level, State
from consent.policy.profiles import measured_by_default
from consent.policy.standing import Action, Actor, Standing, Subject
from consent.policy.suppression import WANTED_BY_PERSON
from consent.queries import permissions, topics
from consent.queries.pauses import paused_until
from consent.queries.suppressions import active_reasons
from consent.queries.topics import TopicInfo
from consent.services import wordings
from consent.services.confirm import Visit
from consent.services.ledger import Entry, append
from consent.services.merging import stand_alone
from consent.services.sign_up import evidence
from consent.services.suppress import lift_by_own_act
from consent.services.withdraw import MailContext, withdraw


@dataclass(frozen=True)
class Choice:
    """One topic on the page."""

    topic: TopicInfo
    on: bool


@dataclass(frozen=True)
class Preferences:
    """What the page shows. ``address`` is masked, because the link may have travelled with a forwarded mail."""

    contact_id: int
    address: str
    choices: tuple[Choice, ...]
    tracking: bool
    objected: bool
    paused_until: datetime | None


def masked(address: str | None) -> str:
    """Return an address of which only its owner recognises the rest, e.g. ``a•••@e•••.com``."""
    local, _at, domain = (address or "").rpartition("@")
    name, _dot, tail = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{tail}" if local and name else "•••"


def load(session: Session, contact_id: int, brand_id: int) -> Preferences:
    """Return a contact's choices among the topics of a brand. Raises ``InvalidToken`` for somebody erased."""
    person = contact(session, contact_id)
    if person.erased_at is not None:
        raise InvalidToken()
    known = permissions.of_contact(session, contact_id)
    offered = [topic for topic in topics.topics(session, brand_id) if topic.public or topic.id in known]
    said = permissions.tracking_of_contact(session, contact_id).get(brand_id)
    covered = permissions.covered(session, contact_id)
    choices = (Choice(topic, _stands(known.get(topic.id)) and topic.id not in covered) for topic in offered)
    return Preferences(
        contact_id,
        masked(person.email),
        tuple(choices),
        _measured(session, brand_id, person.country) if said is None else said,
        any(known.objected_at is not None for known in several(session, merging.person(session, contact_id))),
        paused_until(session, contact_id, brand_id),
    )


def _measured(session: Session, brand_id: int, country: str | None) -> bool:
    """Tell whether somebody who never spoke of it is measured by a brand."""
    found = brands.brand(session, brand_id)
    return measured_by_default(found.tracking_default, found.profile, country)


def _stands(standing: Standing | None) -> bool:
    return standing is not None and standing.at(clock.now()).state is State.GRANTED


@dataclass(frozen=True)
class Change:
    """What a visitor changed, against what the page had shown them; None for tracking: left as it was.

    Only differences are given, so that an old tab never takes back what another one changed meanwhile.
    """

    on: frozenset[int]
    off: frozenset[int]
    tracking: bool | None = None


def change(
    session: Session,
    contact_id: int,
    mail: MailContext,
    wanted: Change,
    visit: Visit,
    *,
    campaign_id: int | None,
    wording: dict[str, str],
) -> None:
    """Write what changed into the ledger. ``wording`` has the texts shown beside ``topics`` and ``tracking``.

    A link that reached the mailbox and a button behind it are what a confirmation is, so what is turned on here is
    ``confirmed``; unless the contact has another address by now, which this link does not speak for. Nothing is turned
    on by a mail's link for somebody who objected or complained. Raises ``NotAllowed`` then, and nothing is written.
    """
    person = contact(session, contact_id)
    offered = {choice.topic.id for choice in load(session, contact_id, mail.brand_id).choices}
    proof = evidence(person.email or "", visit.ip, visit.user_agent, visit.page)
    if wanted.on & offered or wanted.tracking:
        stand_alone(session, contact_id)
        _permit(session, person, mail, wanted.on & offered, wanted.tracking is True, proof, campaign_id, wording)
    withdraw(
        session,
        contact_id,
        sorted(wanted.off & offered),
        actor=Actor.SUBSCRIBER,
        campaign_id=campaign_id,
        evidence=proof,
    )
    if wanted.tracking is False:
        refuse_tracking(session, contact_id, mail.brand_id, Actor.SUBSCRIBER, proof, campaign_id)


def refuse_tracking(
    session: Session,
    contact_id: int,
    brand_id: int,
    actor: Actor,
    proof: dict[str, str],
    campaign_id: int | None = None,
    actor_id: int | None = None,
) -> None:
    """Withdraw the tracking permission for a brand. Repeating does nothing."""
    if permissions.tracking_of_contact(session, contact_id).get(brand_id) is False:
        return
    entry = Entry(
        Subject.TRACKING,
        Action.WITHDRAW,
        actor,
        brand_id=brand_id,
        campaign_id=campaign_id,
        actor_id=actor_id,
        evidence=proof,
    )
    append(session, contact_id, entry)


def _permit(
    session: Session,
    person: ContactInfo,
    mail: MailContext,
    topic_ids: Iterable[int],
    tracking: bool,
    proof: dict[str, str],
    campaign_id: int | None,
    wording: dict[str, str],
) -> None:
    if mail.address_key is not None and mail.address_key != person.address_key:
        raise NotAllowed(_("This link came to another address. Use the link in a mail to your present one."))
    if campaign_id is not None and _said_no(session, person):
        raise NotAllowed(
            _("You said no to all marketing. To take that back, ask for a link to your mailbox; nothing was changed.")
        )
    chosen = sorted(topic_ids)
    if chosen and person.address_key is not None:
        if person.objected_at is not None or person.complained_at is not None:
            append(session, person.id, Entry(Subject.MARKETING, Action.CONFIRM, Actor.SUBSCRIBER))
        lift_by_own_act(session, person.address_key, chosen, mail.brand_id)
    known, covered = permissions.of_contact(session, person.id), permissions.covered(session, person.id)
    for topic_id in chosen:
        if not _stands(known.get(topic_id)) or topic_id in covered:
            append(session, person.id, _yes(session, mail, proof, campaign_id, wording["topics"], topic_id=topic_id))
    if tracking and permissions.tracking_of_contact(session, person.id).get(mail.brand_id) is not True:
        append(session, person.id, _yes(session, mail, proof, campaign_id, wording["tracking"]))


def _said_no(session: Session, person: ContactInfo) -> bool:
    """Tell whether somebody objected or complained, under any number. A mail's link, which may have been passed on,
    does not end that."""
    if person.address_key is None:
        return True
    for known in several(session, merging.person(session, person.id)):
        if known.objected_at is not None or known.complained_at is not None:
            return True
        if known.address_key is not None and active_reasons(session, known.address_key) & WANTED_BY_PERSON:
            return True
    return False


def _yes(
    session: Session,
    mail: MailContext,
    proof: dict[str, str],
    campaign_id: int | None,
    wording: str,
    *,
    topic_id: int | None = None,
) -> Entry:
    """A grant on the preference page: of a topic, or, without one, of tracking."""
    subject = Subject.TRACKING if topic_id is None else Subject.TOPIC
    kind = "preferences" if topic_id is not None else "preferences_tracking"
    return Entry(
        subject,
        Action.GRANT,
        Actor.SUBSCRIBER,
        topic_id=topic_id,
        brand_id=mail.brand_id if topic_id is None else None,
        level=Level.CONFIRMED,
        basis=Basis.CONSENT,
        wording_id=wordings.ensure(session, None, kind, mail.language, wording),
        language=mail.language,
        campaign_id=campaign_id,
        evidence=proof,
    )
