"""The proof of one person's permissions, and all that consent holds of them.

The sections follow ISO/IEC TS 27560:2023: 6.3 for the consent record, 6.4 for the receipt.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.core import clock
from app.core.registries import Registry
from app.customers.queries import merging
from app.customers.queries.contacts import ContactInfo, contact
from consent.policy import chain
from consent.queries import anchors, forms, permissions, topics
from consent.queries.held import sign_ups, suppressions
from consent.queries.permissions import LedgerEntry
from consent.queries.processing import processing

Json = dict[str, object]
# (session, contact_id) -> JSON: what each room holds of a person, for ``consent export``
export_sections: Registry[Callable[[Session, int], object]] = Registry("sections of a person's export")


SCHEMA = "ISO/IEC TS 27560:2023"


def proof(session: Session, contact_id: int) -> Json:
    """Return the dated proof: who the person is, what stands, who answers for the data, and every entry since.

    Its sections, in their order, are those of a consent record (TS 27560, 6.3): record header, PII processing,
    party identification, events.
    """
    person = contact(session, contact_id)
    entries = permissions.entries(session, contact_id)
    return {
        "record_header": {
            "schema_version": SCHEMA,
            "record_id": f"contact-{contact_id}-{len(entries)}",
            "pii_principal_id": contact_id,
            "issued_at": _time(clock.now()),
            "chain": {
                "entries": len(entries),
                "head": entries[-1].hash.hex() if entries else None,
                "algorithm": f"SHA-256 over the hash before and the entry's canonical form, version {chain.VERSION}",
                "anchor": _anchor(session),
            },
        },
        "processing": processing(session, contact_id, entries),
        "parties": {
            "pii_controller": _controller(session),
            "brands": [
                {"id": brand.id, "name": brand.name, "postal_address": brand.postal_address, "website": brand.website}
                for brand in brands.all_brands(session)
            ],
            "pii_principal": _principal(person) | {"merged": _merges(session, contact_id)},
        },
        "events": [_event(session, entry) for entry in entries],
    }


def receipt(session: Session, contact_id: int) -> Json:
    """Return what is handed to the person (TS 27560, 6.4): a receipt with a header of its own around the record.

    It leaves out who of the staff acted.
    """
    record = proof(session, contact_id)
    events = record["events"]
    assert isinstance(events, list)
    header = {
        "schema_version": SCHEMA,
        "receipt_id": f"receipt-{contact_id}-{len(events)}-{clock.now():%Y%m%dT%H%M%SZ}",
        "pii_principal_id": contact_id,
        "issued_at": _time(clock.now()),
    }
    kept = [{name: value for name, value in event.items() if name != "actor_id"} for event in events]
    return {"receipt_header": header, "consent_record": record | {"events": kept}}


def _anchor(session: Session) -> Json | None:
    """The newest anchor, which holds the chain as it was then."""
    newest = anchors.latest(session)
    if newest is None:
        return None
    return {"number": newest.number, "made_at": _time(newest.made_at), "seal": newest.seal.hex()}


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


def _merges(session: Session, contact_id: int) -> list[Json]:
    """What numbers were found to be one person, without the values of fields."""
    return [{name: one[name] for name in one if name != "changes"} for one in merging.links(session, contact_id)]


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
    """Return all that is held of a person (GDPR 15, 20): the contact, the proof, and each room's section; under
    ``other_numbers`` the same of every contact that is merged with this one."""
    kept, *folded = merging.person(session, contact_id)
    held = _of_number(session, kept)
    return held | ({"other_numbers": [_of_number(session, number) for number in folded]} if folded else {})


def _of_number(session: Session, contact_id: int) -> Json:
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
        "suppressions": suppressions(session, contact_id),
    }
    return held | {name: section(session, contact_id) for name, section in _named(export_sections)}


def dumps(made: Json) -> str:
    """Return a proof or an export as indented JSON."""
    return json.dumps(made, ensure_ascii=False, indent=2, default=str) + "\n"


def _named(registry: Registry[Callable[[Session, int], object]]) -> list[tuple[str, Callable[[Session, int], object]]]:
    return list(zip(registry.names(), registry, strict=True))


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
