"""What this room offers to the rooms below it, through their registries."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from app.accounts.services import audit
from app.brands.queries import brands
from app.brands.queries.profiles import ProfileChoice, profiles
from app.core.registries import DashboardCard, Retention, dashboard_cards, retentions
from app.customers.queries import held as customers_held
from app.customers.queries import listing, notes, timeline
from app.customers.queries import merging as merging_queries
from app.customers.queries.contacts import contact, earlier_addresses
from app.customers.queries.listing import ListFilter
from app.customers.queries.timeline import ContactPanel
from app.customers.services import contacts, importing
from app.customers.services.importing import TopicChoice, undoing
from app.customers.services.merging import MergePanel, merge_panels, merge_steps
from app.customers.services.quality import Check, domains, in_domains, quality_checks
from consent.forms.names import PROFILE_NAMES, PROFILE_TEXTS
from consent.policy import typos
from consent.policy.ladder import Basis
from consent.policy.profiles import PROFILES
from consent.policy.standing import Action, Actor, Subject
from consent.queries import held, permissions, proof, requests, suppressions, topics
from consent.services import ageing, conditions, departures, merging, retracting
from consent.services.ageing import Upkeep
from consent.services.importing import record
from consent.services.ledger import Entry, append
from consent.services.requests.acting import note_correction
from consent.views import contact_panel, merge_panel, request_cards

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def register() -> None:
    """Offer what this room does for the customer base: import of permission, the panel, the timeline, a filter."""
    importing.sinks.add("permission", record)
    importing.leavers.add("permission", departures.record)
    undoing.retractions.add("permission", retracting.retract)
    undoing.traces.add("permission", retracting.keep_active)
    undoing.removals.add("permission", retracting.forget)
    importing.barriers.add("permission", suppressions.erased_addresses)
    importing.topic_choices.add("permission", _topic_choices)
    for name, rules in PROFILES.items():
        profiles.add(name, ProfileChoice(PROFILE_NAMES[name], PROFILE_TEXTS[name], not rules.tracking_default))
    for basis in Basis:
        importing.bases.add(basis.value, conditions.terms(basis))
    contacts.address_listeners.add("permission", _address_changed)
    merge_steps.add("permission", merging.STEP)
    merge_panels.add("permission", MergePanel("web/consent/_merge.html", merge_panel.look))
    timeline.sources.add("permission", contact_panel.timeline)
    timeline.titles.add("permission", _("Permission"))
    timeline.titles.add("requests", _("Requests"))
    timeline.panels.add("permission", ContactPanel("web/consent/_permissions.html", contact_panel.load, 10))
    _check_quality()
    ageing.register()
    contacts.address_listeners.add("requests", _note_correction)
    timeline.sources.add("requests", request_cards.timeline)
    dashboard_cards.add("requests", DashboardCard("web/requests/_card.html", request_cards.due, 45, size=12))
    proof.export_sections.add("requests", requests.held)
    for section in (customers_held.addresses, customers_held.other_systems, customers_held.imported):
        proof.export_sections.add(section.__name__, section)
    proof.export_sections.add("merged", merging_queries.links)
    proof.export_sections.add("notes", notes.held)
    proof.export_sections.add("behaviour", customers_held.behaviour)
    for section in (held.pauses, held.leaving_reasons, held.source_notices):
        proof.export_sections.add(section.__name__, section)
    for section in (held.access_requests, held.address_changes):
        proof.export_sections.add(section.__name__, section)
    listing.list_filters.add("topic", ListFilter(_("Any topic"), _filter_choices, permissions.permitting))


def register_periods() -> None:
    """Have the register of processing tell the periods of all upkeep, once every room has added its own."""
    for upkeep in ageing.upkeeps:
        if upkeep.months is not None:
            retentions.add(f"upkeep {upkeep.name}", Retention(upkeep.title, partial(_period, upkeep)))


def _check_quality() -> None:
    """Offer checks of addresses that the sign-up forms make, too."""
    quality_checks.add(
        "mistyped",
        Check(
            "address",
            _("Probably mistyped"),
            _("Their domain is one slip away from a provider's: gmial.com. Correct them, or ask."),
            "edit",
            _mistyped,
        ),
    )
    quality_checks.add(
        "disposable",
        Check(
            "address",
            _("Addresses to throw away"),
            _("They live for minutes. What is sent there is read by nobody."),
            "trash",
            lambda session: in_domains(filter(typos.disposable, domains(session))),
        ),
    )


def _mistyped(session: Session) -> dict[str, object] | None:
    return in_domains(domain for domain in domains(session) if typos.suggestion(domain) is not None)


def _topic_choices(session: Session, language: str) -> list[TopicChoice]:
    names = {brand.id: brand.name for brand in brands.all_brands(session)}
    return [
        TopicChoice(topic.id, topic.slug, topic.name(language), names[topic.brand_id])
        for topic in topics.topics(session)
    ]


def _filter_choices(session: Session, language: str) -> list[tuple[str, str]]:
    return [(topic.slug, topic.name(language)) for topic in topics.topics(session)]


def _address_changed(
    session: Session, contact_id: int, former: bytes | None, present: bytes | None, by_person: bool
) -> None:
    """Note a change of address, from which to which; what was permitted for the former one does not hold for the new
    one."""
    staff_id = None if by_person else audit.actor().staff_id
    actor = Actor.SUBSCRIBER if by_person else Actor.STAFF if staff_id is not None else Actor.SYSTEM
    keys = {"former_key": former.hex() if former else "", "new_key": present.hex() if present else ""}
    earlier = earlier_addresses(session, contact_id)
    emails = {
        "former_email": earlier[0].email if former and earlier else "",
        "email": contact(session, contact_id).email,
    }
    evidence = {name: text for name, text in (keys | emails).items() if text}
    append(session, contact_id, Entry(Subject.CONTACT, Action.CORRECT, actor, actor_id=staff_id, evidence=evidence))


def _period(upkeep: Upkeep, session: Session) -> str:
    """Say for the register how long somebody is kept whom an upkeep would forget."""
    if not ageing.running.is_on(session, upkeep):
        return str(gettext("no limit is set: this upkeep is off"))
    months = ageing.running.months_of(session, upkeep)
    return str(ngettext("%(num)d month", "%(num)d months", months))


def _note_correction(
    session: Session, contact_id: int, former: bytes | None, present: bytes | None, by_person: bool
) -> None:
    """Note a change of address in the person's open requests for correction."""
    note_correction(session, contact_id, audit.actor().staff_id)
