"""The proof of one person's permissions, and all that consent holds of them.

The sections follow ISO/IEC TS 27560:2023, 6.3 (consent record): header, parties, processing, events.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.core import clock
from app.core.registries import Registry
from app.customers.queries.contacts import ContactInfo, contact
from consent.policy.ladder import State
from consent.policy.standing import Standing
from consent.queries import forms, permissions, suppressions, topics
from consent.queries.held import sign_ups
from consent.queries.permissions import LedgerEntry

Json = dict[str, object]
# (session, contact_id) -> JSON: what each room holds of a person, for ``consent export``
export_sections: Registry[Callable[[Session, int], object]] = Registry("sections of a person's export")


def proof(session: Session, contact_id: int) -> Json:
    """Return the dated proof: who answers for the data, who the person is, what stands, and every entry since."""
    person = contact(session, contact_id)
    entries = permissions.entries(session, contact_id)
    return {
        "record_header": {
            "schema": "ISO/IEC TS 27560:2023",
            "record_id": f"contact-{contact_id}-{len(entries)}",
            "issued_at": _time(clock.now()),
            "chain": {
                "entries": len(entries),
                "head": entries[-1].hash.hex() if entries else None,
                "algorithm": "SHA-256",
            },
        },
        "parties": {"pii_controller": _controller(session), "pii_principal": _principal(person)},
        "processing": _processing(session, contact_id),
        "events": [_event(session, entry) for entry in entries],
    }


def _controller(session: Session) -> Json | None:
    found = brands.controller(session)
    if found is None:
        return None
    return {
        "legal_name": found.legal_name,
        "registration": found.registration,
        "postal_address": found.postal_address,
        "contact": found.contact_email,
        "privacy_notice": found.privacy_url,
    }


def _principal(person: ContactInfo) -> Json:
    return {"id": person.id, "email": person.email, "name": person.name, "erased_at": _time(person.erased_at)}


def _processing(session: Session, contact_id: int) -> list[Json]:
    known = permissions.of_contact(session, contact_id)
    tracking = permissions.tracking_of_contact(session, contact_id)
    names = {brand.id: brand.name for brand in brands.all_brands(session)}
    rows: list[Json] = []
    for topic in topics.topics(session, archived=True):
        if topic.id in known:
            rows.append(
                {
                    "purpose": topic.purpose,
                    "topic": topic.slug,
                    "name": dict(topic.names),
                    "brand": names.get(topic.brand_id),
                    **_standing(known[topic.id]),
                }
            )
    for brand_id, granted in tracking.items():
        state = State.GRANTED if granted else State.WITHDRAWN
        rows.append({"purpose": "tracking", "brand": names.get(brand_id), "state": state.value})
    return rows


def _standing(standing: Standing) -> Json:
    current = standing.at(clock.now())
    return {
        "state": current.state.value,
        "level": current.level,
        "basis": current.basis,
        "since": _time(current.since),
        "expires_at": _time(current.expires_at),
        "entry": current.event_id,
    }


def _event(session: Session, entry: LedgerEntry) -> Json:
    act = entry.act
    slug = topics.topic(session, act.topic_id).slug if act.topic_id else None
    form = forms.form(session, entry.form_id).name if entry.form_id else None
    shown = {"text": entry.wording, "version": entry.wording_version, "language": entry.language}
    return {
        "seq": entry.seq,
        "entry": entry.id,
        "at": _time(act.at),
        "recorded_at": _time(act.recorded_at),
        "subject": act.subject.value,
        "topic": slug,
        "action": act.action.value,
        "state": act.state.value,
        "level": act.level,
        "basis": act.basis,
        "expires_at": _time(act.expires_at),
        "actor": act.actor.value,
        "actor_id": entry.actor_id,
        "form": form,
        "campaign": entry.campaign_id,
        "import_batch": entry.batch_id,
        "shown": shown if entry.wording_id else None,
        "told": _told(session, entry),
        "evidence": dict(entry.evidence),
        "evidence_digest": entry.evidence_digest.hex() if entry.evidence_digest else None,
        "hash": entry.hash.hex(),
    }


def _told(session: Session, entry: LedgerEntry) -> Json | None:
    """What the form had told about the processing (GDPR 13), in the version that was shown."""
    version = entry.evidence.get("notice_version", "")
    if not version or entry.form_id is None:
        return None
    text = forms.notice(session, entry.form_id, entry.language or "", int(version))
    return {"text": text, "version": int(version), "language": entry.language}


def export(session: Session, contact_id: int) -> Json:
    """Return all that is held of a person (GDPR 15, 20): the contact, the proof, and each room's section."""
    person = contact(session, contact_id)
    held: Json = {
        "contact": {
            "id": person.id,
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "language": person.language,
            "time_zone": person.time_zone,
            "country": person.country,
            "source": person.source,
            "tags": list(person.tags),
            "fields": dict(person.attributes),
            "created_at": _time(person.created_at),
            "updated_at": _time(person.updated_at),
            "objected_at": _time(person.objected_at),
            "complained_at": _time(person.complained_at),
        },
        "permission": proof(session, contact_id),
        "sign_ups": sign_ups(session, contact_id),
        "suppressions": [
            {"reason": found.reason, "since": _time(found.created_at), "lifted_at": _time(found.lifted_at)}
            for found in (suppressions.of_address(session, person.address_key) if person.address_key else [])
        ],
    }
    return held | {name: section(session, contact_id) for name, section in _named(export_sections)}


def dumps(made: Json) -> str:
    """Return a proof or an export as indented JSON."""
    return json.dumps(made, ensure_ascii=False, indent=2, default=str) + "\n"


def _named(registry: Registry[Callable[[Session, int], object]]) -> list[tuple[str, Callable[[Session, int], object]]]:
    return list(zip(registry.names(), registry, strict=True))


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
