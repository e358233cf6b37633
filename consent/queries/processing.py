"""What a person's data is processed for, and on which ground: the PII processing section of ISO/IEC TS 27560, 6.3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import clock
from consent.policy.ladder import Basis, State
from consent.policy.standing import Standing
from consent.queries import forms, permissions, topics
from consent.queries.permissions import LedgerEntry
from consent.queries.topics import TopicInfo

Json = dict[str, object]
_WITHDRAWAL = ("link in every mail", "one-click unsubscribe", "preference page", "message to the controller")
_RIGHTS = (
    "access",
    "rectification",
    "erasure",
    "restriction",
    "portability",
    "objection",
    "withdrawal of consent",
    "complaint to a supervisory authority",
)


def processing(session: Session, contact_id: int, entries: Sequence[LedgerEntry]) -> list[Json]:
    """Return, for each purpose the ledger knows, what stands and how it came about."""
    known = permissions.of_contact(session, contact_id)
    owners = {brand.id: brand for brand in brands.all_brands(session)}
    controller = brands.controller(session)
    by_id = {entry.id: entry for entry in entries}
    shared: Json = {
        "privacy_notice": controller.privacy_url if controller else None,
        "withdrawal_method": list(_WITHDRAWAL),
        "privacy_rights": list(_RIGHTS),
    }
    rows = [
        _topic(topic, owners[topic.brand_id], known[topic.id])
        | _collected(session, by_id.get(known[topic.id].event_id or 0))
        | shared
        for topic in topics.topics(session, archived=True)
        if topic.id in known
    ]
    for brand_id, granted in permissions.tracking_of_contact(session, contact_id).items():
        said = [entry for entry in entries if entry.act.brand_id == brand_id and entry.act.topic_id is None]
        rows.append(_tracking(owners[brand_id], granted, said[-1]) | _collected(session, said[-1]) | shared)
    return rows


def _topic(topic: TopicInfo, brand: BrandInfo, standing: Standing) -> Json:
    current = standing.at(clock.now())
    return {
        "purpose": topic.purpose,
        "topic": topic.slug,
        "name": dict(topic.names),
        "description": dict(topic.descriptions),
        "brand": brand.name,
        "jurisdiction": brand.profile,
        "state": current.state.value,
        "lawful_basis": current.basis,
        "level": current.level,
        "since": _time(current.since),
        "expires_at": _time(current.expires_at),
        "retention_period": "until expires_at" if current.expires_at else "until withdrawn",
        "entry": current.event_id,
    }


def _tracking(brand: BrandInfo, granted: bool, entry: LedgerEntry) -> Json:
    return {
        "purpose": "tracking",
        "topic": None,
        "name": {},
        "description": {},
        "brand": brand.name,
        "jurisdiction": brand.profile,
        "state": (State.GRANTED if granted else State.WITHDRAWN).value,
        "lawful_basis": Basis.CONSENT if granted else None,
        "level": entry.act.level,
        "since": _time(entry.at),
        "expires_at": None,
        "retention_period": "until withdrawn",
        "entry": entry.id,
    }


def _collected(session: Session, entry: LedgerEntry | None) -> Json:
    """How the data came in, and which: the address, and what the form asked beside it."""
    if entry is None:
        return {"collection_method": None, "pii_information": ["email"]}
    if entry.form_id is not None:
        form = forms.form(session, entry.form_id)
        return {"collection_method": f"form: {form.name}", "pii_information": ["email", *form.fields]}
    if entry.batch_id is not None:
        return {"collection_method": f"import {entry.batch_id}", "pii_information": ["email"]}
    return {"collection_method": entry.act.actor.value, "pii_information": ["email"]}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
