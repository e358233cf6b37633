"""Permission on the contact page: what stands, how it came about, and what staff may do on request.

Staff can end a permission; nobody but the person can begin one again that was withdrawn, so there is no button for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, get_locale
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, current_user
from app.accounts.views.reading import shows_people
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries import merging
from app.customers.queries.contacts import ContactInfo, contact
from app.customers.queries.timeline import TimelineEntry
from consent.forms import proof_words
from consent.forms.names import (
    ACTION_NAMES,
    ACTOR_NAMES,
    BASIS_NAMES,
    LEVEL_NAMES,
    PROFILE_NAMES,
    REASON_NAMES,
    in_words,
)
from consent.policy import pausing
from consent.policy.ladder import State
from consent.policy.profiles import accepted, deciding
from consent.policy.standing import Action, Actor, Standing, Subject
from consent.queries import paper, pauses, permissions, proof, suppressions, topics, verdicts
from consent.queries.permissions import LedgerEntry
from consent.queries.topics import TopicInfo
from consent.queries.verdicts import Verdict
from consent.services.erase import erase
from consent.services.objections import object_to_marketing
from consent.services.pause import pause, resume
from consent.services.preferences import refuse_tracking
from consent.services.withdraw import withdraw

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session


blueprint = Blueprint("permissions", __name__, url_prefix="/contacts/<int:contact_id>/permissions")
ICONS = {
    "request": "mail-question",
    "grant": "circle-check",
    "confirm": "circle-check",
    "withdraw": "mail-off",
    "expire": "clock",
    "silence": "clock",
    "retract": "arrow-back-up",
    "object": "hand-stop",
    "complain": "alert-triangle",
    "pause": "player-pause",
    "resume": "player-play",
    "merge": "arrows-join",
    "part": "arrows-split",
    "erase": "shield-x",
}


@dataclass(frozen=True)
class PanelStep:
    """One gate, with the ledger entry behind it."""

    label: str
    verdict: Verdict
    entry: LedgerEntry | None
    today: None = None


@dataclass(frozen=True)
class PanelRow:
    """One topic of the panel: what stands, whose rules decide, every gate, and the one that decides, in words (blank:
    mail may be sent)."""

    topic: TopicInfo
    brand: str
    standing: Standing
    gate: str
    rules: str
    suffices: tuple[str, ...]  # what would do, when what stands is too weak
    steps: tuple[PanelStep, ...]
    history: tuple[LedgerEntry, ...]


@dataclass(frozen=True)
class TrackingRow:
    """Whether one brand may measure (``said`` is None when the person never said), and on which day of the brand's mail
    comes again after a pause."""

    brand_id: int
    brand: str
    said: bool | None
    paused_until: date | None


def load(session: Session, contact_id: int) -> dict[str, object]:
    """Return what the panel shows."""
    person = contact(session, contact_id)
    numbers = merging.person(session, contact_id)
    found = (entry for number in numbers for entry in permissions.entries(session, number))
    entries = sorted(found, key=lambda entry: (entry.act.recorded_at, entry.id))
    owners = {brand.id: brand for brand in brands.all_brands(session)}
    said = permissions.tracking_of_contact(session, contact_id)
    paused = pauses.of_contact(session, contact_id)
    known = permissions.of_contact(session, contact_id)
    rows = [
        _row(session, topic, owners[topic.brand_id], person, known.get(topic.id, Standing()), entries)
        for topic in topics.topics(session, archived=True)
        if topic.archived_at is None or topic.id in known
    ]
    return {
        "contact": person,
        "rows": rows,
        "tracking": [
            TrackingRow(brand.id, brand.name, said.get(brand.id), _day(paused.get(brand.id), brand))
            for brand in owners.values()
        ],
        "entries": len(entries),
        "writing": {row.topic.brand_id for row in rows if row.standing.state is State.GRANTED},
        "pause_from": (today := clock.now().date()) + timedelta(days=1),
        "pause_until": pausing.first_day("1", "", today),
        "pause_most": today + pausing.LONGEST,
        "suppressions": [
            found
            for found in (suppressions.of_address(session, person.address_key) if person.address_key else [])
            if found.lifted_at is None
        ],
        "names": {
            "level": LEVEL_NAMES,
            "basis": BASIS_NAMES,
            "action": ACTION_NAMES,
            "actor": ACTOR_NAMES,
            "reason": REASON_NAMES,
        },
    }


def _day(moment: datetime | None, brand: BrandInfo) -> date | None:
    """The day of a moment where the brand is: a pause ends as a day begins there."""
    return moment.astimezone(ZoneInfo(brand.time_zone)).date() if moment else None


def _row(
    session: Session,
    topic: TopicInfo,
    brand: BrandInfo,
    person: ContactInfo,
    standing: Standing,
    entries: list[LedgerEntry],
) -> PanelRow:
    now, by_id = clock.now(), {entry.id: entry for entry in entries}
    found = verdicts.verdicts(session, person.id, topic.id, brand.id, now)
    shut = verdicts.deciding(found)
    weak = shut is not None and shut.gate == "permission_too_weak"
    return PanelRow(
        topic,
        brand.name,
        standing.at(now),
        shut.label if shut else "",
        " + ".join(str(PROFILE_NAMES[rules.name]) for rules in deciding(brand.profile, person.country)),
        tuple(in_words(accepted(topic.accepts, brand.profile, person.country))) if weak else (),
        tuple(PanelStep(gate.label, gate.verdict, by_id.get(gate.event_id or 0)) for gate in found),
        tuple(entry for entry in entries if entry.act.topic_id == topic.id)[::-1],
    )


def timeline(session: Session, contact_id: int, limit: int) -> list[TimelineEntry]:
    """Return the latest ledger entries for the timeline, latest first."""
    language = str(get_locale() or "en")[:2]
    named = {topic.id: topic.name(language) for topic in topics.topics(session, archived=True)}
    found = permissions.entries(session, contact_id, limit)
    shown = sorted(found, key=lambda entry: (entry.at, entry.seq), reverse=True)
    owners = {brand.id: brand for brand in brands.all_brands(session)}
    return [_line(entry, named, owners) for entry in shown]


def _line(entry: LedgerEntry, named: dict[int, str], owners: dict[int, BrandInfo]) -> TimelineEntry:
    act = entry.act
    about = named.get(act.topic_id or 0, "")
    if act.subject is Subject.TRACKING:
        about = _("measuring opens and clicks")
    if act.action is Action.PAUSE and act.expires_at is not None:
        brand = owners[act.brand_id or 0]
        about = f"{brand.name}, {_('until %(day)s', day=format_date(_day(act.expires_at, brand), 'medium'))}"
    said = str(ACTION_NAMES[act.action.value])
    title = _("%(label)s: %(text)s", label=said, text=about) if about else said
    detail = " · ".join(
        [
            *([str(LEVEL_NAMES[act.level])] if act.level else []),
            *([str(BASIS_NAMES[act.basis])] if act.basis else []),
            *([_("with contact %(id)s", id=other)] if (other := entry.evidence.get("other")) else []),
            _("by %(actor)s", actor=ACTOR_NAMES[act.actor.value]),
        ]
    )
    return TimelineEntry(entry.at, "permission", ICONS.get(act.action.value, "shield-check"), title, detail)


@blueprint.post("/withdraw")
@allows(Role.MARKETER)
def end(contact_id: int) -> ResponseReturnValue:
    """Withdraw one topic on the person's request."""
    topic_id = request.form.get("topic", type=int)
    if topic_id is None:
        raise InvalidInput(_("Say which topic is to be withdrawn."))
    with unit_of_work() as session:
        topics.topic(session, topic_id)  # the ledger must not name what was never there
        withdraw(session, contact_id, [topic_id], actor=Actor.STAFF, actor_id=current_user().id)
        audit.record(session, "withdrew", "contact", contact_id, detail={"topic": topic_id})
    flash(_("Withdrawn. It holds from now on, in running campaigns too."), "success")
    return _back(contact_id)


@blueprint.post("/tracking")
@allows(Role.MARKETER)
def stop_measuring(contact_id: int) -> ResponseReturnValue:
    """Withdraw the tracking permission for a brand on the person's request."""
    with unit_of_work() as session:
        brand = brands.brand(session, request.form.get("brand", 0, type=int))
        refuse_tracking(session, contact_id, brand.id, Actor.STAFF, {}, actor_id=current_user().id)
        audit.record(session, "stopped measuring", "contact", contact_id, brand_id=brand.id)
    flash(_("Opens and clicks of this person are no longer measured."), "success")
    return _back(contact_id)


@blueprint.post("/pause")
@allows(Role.MARKETER)
def begin_pause(contact_id: int) -> ResponseReturnValue:
    """Send no mail of a brand until a day, on the person's request."""
    day = pausing.first_day("", request.form.get("until", ""), clock.now().date())
    with unit_of_work() as session:
        brand = brands.brand(session, request.form.get("brand", 0, type=int))
        until = pausing.begin(day, brand.time_zone)
        pause(session, contact_id, brand.id, until, actor=Actor.STAFF, actor_id=current_user().id)
        audit.record(session, "paused", "contact", contact_id, brand_id=brand.id, detail={"until": day.isoformat()})
    text = _("Paused: no mail by %(brand)s until %(day)s.", brand=brand.name, day=format_date(day, "long"))
    flash(text, "success")
    return _back(contact_id)


@blueprint.post("/resume")
@allows(Role.MARKETER)
def end_pause(contact_id: int) -> ResponseReturnValue:
    """End a pause before its time, on the person's request."""
    with unit_of_work() as session:
        brand = brands.brand(session, request.form.get("brand", 0, type=int))
        resume(session, contact_id, brand.id, actor=Actor.STAFF, actor_id=current_user().id)
        audit.record(session, "ended the pause of", "contact", contact_id, brand_id=brand.id)
    flash(_("The pause is over."), "success")
    return _back(contact_id)


@blueprint.post("/object")
@allows(Role.MARKETER)
def objected(contact_id: int) -> ResponseReturnValue:
    """Record that the person objects to all marketing."""
    with unit_of_work() as session:
        object_to_marketing(session, contact_id, actor=Actor.STAFF, actor_id=current_user().id)
        audit.record(session, "recorded objection", "contact", contact_id)
    flash(_("The objection is recorded: no marketing mail, by any brand."), "success")
    return _back(contact_id)


@blueprint.post("/erase")
@allows(Role.ADMINISTRATOR)
def erase_person(contact_id: int) -> ResponseReturnValue:
    """Erase the person's data for good."""
    with unit_of_work() as session:
        signed = paper.lines_of(session, contact_id, [])
        erase(session, contact_id, actor=Actor.STAFF, actor_id=current_user().id)
        audit.record(session, "erased", "contact", contact_id)
    flash(_("This person's data is erased."), "success")
    if signed:
        flash(_("They signed on paper: cover their line on the scan, as the page “Requests” says."), "warning")
    return _back(contact_id)


@blueprint.get("/proof.json")
@allows(Role.ANALYST)
@shows_people(Look.PROVED)
def download(contact_id: int) -> ResponseReturnValue:
    """Download the proof of a person's permissions."""
    with unit_of_work() as session:
        made = proof.dumps(proof.proof(session, contact_id)).encode()
    return _file(made, "proof", contact_id, "json")


@blueprint.get("/proof.pdf")
@allows(Role.ANALYST)
@shows_people(Look.PROVED)
def printed(contact_id: int) -> ResponseReturnValue:
    """Download the same on paper, in the reader's language."""
    with unit_of_work() as session:
        made = proof_words.pdf(session, contact_id, _language())
    return _file(made, "proof", contact_id, "pdf")


@blueprint.get("/export.json")
@allows(Role.ANALYST)
@shows_people(Look.EXPORTED)
def export(contact_id: int) -> ResponseReturnValue:
    """Download all that is held of a person."""
    with unit_of_work() as session:
        made = proof.dumps(proof.export(session, contact_id)).encode()
    return _file(made, "export", contact_id, "json")


def _language() -> str:
    language = str(get_locale() or "en")[:2]
    return language if language in proof_words.LANGUAGES else "en"


def _file(made: bytes, what: str, contact_id: int, form: str) -> Response:
    response = Response(made, mimetype=f"application/{form}")
    name = f"{what}-{contact_id}-{clock.now():%Y-%m-%d}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _back(contact_id: int) -> ResponseReturnValue:
    return redirect(url_for("contacts.page", contact_id=contact_id))
