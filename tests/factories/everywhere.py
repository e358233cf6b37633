"""One person in every place that can hold a person: for the proof that erasure reaches all of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.customers.models import ExternalId
from app.customers.policy import normalise
from app.customers.queries.contacts import contact
from app.customers.services import contacts, fields, merging, notes
from app.customers.services.importing import batches, forgetting
from app.customers.services.importing.source import inspect
from consent.policy.requests import Channel, Kind, Proof, Refusal
from consent.policy.terms import SuppressionTerms
from consent.services import access, address, lists
from consent.services.requests import filing, steps
from consent.services.requests.filing import Asked, Details
from consent.services.suppress import suppress_address
from tests.factories import campaigns as make_campaigns
from tests.factories import consent as make

EMAIL = "Quorkfeather+news@bücher.example.com"
FORMER = "old.quorkfeather@example.com"
KEY_FORM = "quorkfeather+news@xn--bcher-kva.example.com"
IP, AGENT, PHONE = "203.0.113.77", "QuorkBrowser/7.7", "+33 1 99 00 77 77"
PAGE = "https://shop.example.com/?from=quorkfeather"
NAME = "Zébulon Quorkfeather"
# Nothing of this may be left anywhere, in whatever case.
TRACES = (
    "quork",
    "zébulon",
    "xn--bcher-kva",
    IP,
    PHONE,
    *(
        made(spelling.encode()).hexdigest()
        for made in (hashlib.sha256, hashlib.md5)
        for spelling in (EMAIL, EMAIL.lower(), KEY_FORM, FORMER)
    ),
)


def put_everywhere(session: Session, topic_id: int, brand_id: int, form_id: int) -> int:
    """Bring the person in, by the product's own services where there are some; return the contact's id."""
    fields.declare(session, "wish", "text", {"en": "Wish"})
    person = contacts.find_or_create(
        session, FORMER, language="fr", source="quork fair", first_name="Zébulon", last_name="Quorkfeather",
        country="FR", time_zone="Europe/Paris", wish="quork slippers",
    )  # fmt: skip
    contacts.set_tags(session, person, ["quork-lovers"])
    session.add(ExternalId(source="shop", value="QUORK-77", contact_id=person))
    proven = {"email": FORMER, "ip": IP, "user_agent": AGENT, "page": PAGE}
    make.grant(session, person, topic_id, evidence=proven)
    make.track(session, person, brand_id)
    contacts.change_address(session, person, EMAIL)
    make.grant(session, person, topic_id, evidence={**proven, "email": EMAIL})
    suppress_address(session, email_key=normalise(EMAIL).email_key, reason="manual", source=f"{NAME} called")
    _sign_up(session, person, topic_id, brand_id, form_id)
    _mailing(session, person, brand_id)
    _own_pages(session, person, brand_id)
    _requests(session, person)
    _files(session, person)
    _failures(session, person)
    _merge(session, person)
    notes.add(session, person, "Quork slippers were late; called Zébulon")
    return person


def _merge(session: Session, person: int) -> None:
    """Another contact who is the same person, and what was taken over from it."""
    twin = contacts.find_or_create(session, "quork.twin@example.com", first_name="Zeb", last_name="Quork")
    contacts.set_tags(session, twin, ["quork-twins"])
    merging.merge(session, person, twin)


def _sign_up(session: Session, person: int, topic_id: int, brand_id: int, form_id: int) -> None:
    values = {
        "person": person, "form": form_id, "brand": brand_id, "email": EMAIL, "key": normalise(EMAIL).address_key,
        "topics": [topic_id], "ip": IP, "agent": AGENT, "page": PAGE,
    }  # fmt: skip
    for contact_id in (person, None):
        session.execute(
            text("""
            INSERT INTO sign_up (contact_id, form_id, brand_id, email, address_key, domain, topic_ids, language, nonce,
                ip, user_agent, page, fields, expires_at)
            VALUES (:person, :form, :brand, :email, :key, 'bücher.example.com', :topics, 'fr', 'n', :ip, :agent, :page,
                '{"wish": "quork slippers"}', now())
            """),
            {**values, "person": contact_id},
        )


def _mailing(session: Session, person: int, brand_id: int) -> None:
    named = {"all": [{"field": "email", "op": "is", "value": normalise(EMAIL).email_key}, {"any": [{"email": EMAIL}]}]}
    campaign = make_campaigns.make_campaign(session, include=(make_campaigns.make_segment(session, named),))
    session.execute(text("SELECT ensure_message_partition(:id)"), {"id": campaign.id})
    session.execute(
        text("""
        INSERT INTO message (campaign_id, contact_id, state, address_key, reply)
        VALUES (:campaign, :person, 'failed', :key, :reply)
        """),
        {
            "campaign": campaign.id,
            "person": person,
            "key": normalise(EMAIL).address_key,
            "reply": f"550 5.1.1 <{EMAIL}> unknown",
        },
    )
    session.execute(
        text("""
        INSERT INTO "order" (source, external_id, contact_id, brand_id, at, amount, currency, rate_date, value, items)
        VALUES ('shop', 'A-1', :person, :brand, now(), 12, 'EUR', now(), 10, '[{"engraving": "For Zébulon Quork"}]')
        """),
        {"person": person, "brand": brand_id},
    )


def _own_pages(session: Session, person: int, brand_id: int) -> None:
    """A link asked for, another address asked for, and why the person left."""
    access.request(session, normalise(EMAIL).address_key, brand_id, "fr", IP)
    address.request(session, contact(session, person), brand_id, "new.quork@example.com", "fr")
    session.execute(
        text("""
        INSERT INTO leaving_reason (contact_id, brand_id, campaign_id, reason, comment)
        VALUES (:person, :brand, 0, 'other', 'No more slippers! Zébulon Quorkfeather')
        """),
        {"person": person, "brand": brand_id},
    )


def _requests(session: Session, person: int) -> None:
    details = Details(NAME, EMAIL, PHONE, "7 quay of Quork", "new.quork@example.com", "Where are my quork slippers?")
    asked = Asked(Kind.ACCESS, Channel.LETTER, details)
    by_address = filing.file(session, asked)
    steps.note(session, by_address, f"called {PHONE}", staff_id=1)
    by_contact = filing.file(session, Asked(Kind.OTHER, Channel.PHONE, Details(NAME), contact_id=person))
    steps.verify(session, by_contact, Proof.KNOWLEDGE, "knew the quork slippers", staff_id=1)
    steps.refuse(session, by_contact, Refusal.OTHER, f"told {NAME}", told=True, staff_id=1)


def _files(session: Session, person: int) -> None:
    """An upload that nobody started, refused rows, and what an import changed or would change."""
    path: Path = forgetting.folder() / "people.csv"
    path.write_text(f"email,name\n{EMAIL.upper()},{NAME}\n")
    batch = batches.create(session, inspect(path, path.parent), "people.csv")
    session.execute(
        text("INSERT INTO import_reject (batch_id, line, reason, row) VALUES (:batch, 2, 'quork is no date', :row)"),
        {"batch": batch, "row": f'["{EMAIL.upper()}", "{NAME}"]'},
    )
    changes = json.dumps({"last_name": ["Quorkfeather", "Quark"]})
    session.execute(
        text("INSERT INTO import_change (batch_id, contact_id, changes, at) VALUES (:batch, :person, :changes, now())"),
        {"batch": batch, "person": person, "changes": changes},
    )
    preview = json.dumps([{"line": 2, "email": EMAIL.upper(), "changes": {"name": [None, NAME]}}])
    session.execute(
        text("UPDATE import_batch SET preview = CAST(:preview AS jsonb) WHERE id = :batch"),
        {"preview": preview, "batch": batch},
    )
    terms = SuppressionTerms("import", source="former tool")
    taken = lists.create(session, path, "left.csv", terms, path.parent)
    session.execute(
        text("INSERT INTO suppression_reject (list_id, line, reason, text) VALUES (:list, 2, :reason, :text)"),
        {"list": taken, "reason": f"{EMAIL} is no address", "text": f"{NAME} <{EMAIL.upper()}>"},
    )
    digest = hashlib.sha256(FORMER.encode()).digest()
    session.execute(
        text("INSERT INTO suppression (kind, sha256, md5, reason) VALUES ('hash', :sha, :md5, 'import')"),
        {"sha": digest, "md5": hashlib.md5(FORMER.encode()).digest()},
    )


def _failures(session: Session, person: int) -> None:
    """Jobs that failed about the person."""
    for args, error, failed in (
        (f'["{EMAIL}"]', "", True),
        (f"[{person}]", f"DeliveryRefused: 550 <{EMAIL}> unknown", True),
        (f"[{person}]", f"DeliveryRefused: 451 <{FORMER}> later", False),
    ):
        session.execute(
            text("""
            INSERT INTO job (name, queue, args, due_at, error, failed_at)
            VALUES ('gone', 'system', :args, now() + interval '1 day', :error, CASE WHEN :failed THEN now() END)
            """),
            {"args": args, "error": error, "failed": failed},
        )
