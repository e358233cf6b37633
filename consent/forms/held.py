"""All that is held of a person, in words: what ``queries.proof.export`` returns, as pages and files show it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_date, format_time, get_locale
from flask_babel import lazy_gettext as _

from app.customers.services.exporting import guard_formula
from consent.forms.names import (
    ACTION_NAMES,
    ACTOR_NAMES,
    BASIS_NAMES,
    LEAVING_NAMES,
    LEVEL_NAMES,
    MESSAGE_STATE_NAMES,
    REASON_NAMES,
    STATE_NAMES,
)
from consent.queries import gates
from consent.queries.proof import Json

TITLES: Mapping[str, object] = {
    "contact": _("Who you are to us"),
    "permission": _("What you permit"),
    "acts": _("How that came about"),
    "messages": _("E-mails"),
    "events": _("What you opened and clicked"),
    "orders": _("Orders"),
    "came_back": _("What came back by e-mail"),
    "behaviour": _("Added up from the above"),
    "sign_ups": _("Sign-ups"),
    "suppressions": _("Addresses that we do not write to"),
    "addresses": _("Earlier addresses"),
    "other_systems": _("What other systems call you"),
    "merged": _("Entries that turned out to be you"),
    "pauses": _("Pauses"),
    "leaving_reasons": _("Why you left"),
    "source_notices": _("Told where your address came from"),
    "access_requests": _("Links to these pages"),
    "address_changes": _("Changes of address"),
}
WHY: Mapping[str, object] = {
    "contact": _("From you, from a form, or from a list that was brought in; the source says which."),
    "permission": _("By law we must know, and be able to prove, who may be written to about what."),
    "acts": _("The proof: each act, with the words that were shown. Nobody can change it, not even we."),
    "messages": _("So that nobody gets the same e-mail twice, and to know what arrived."),
    "events": _("Only with your permission to measure: to learn which e-mails are of use."),
    "orders": _("From the shop, to learn which e-mails lead to orders."),
}
LABELS: Mapping[str, object] = {
    "id": _("Our number for you"),
    "email": _("E-mail address"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "language": _("Language"),
    "time_zone": _("Time zone"),
    "country": _("Country"),
    "source": _("Source"),
    "tags": _("Tags"),
    "fields": _("Further details"),
    "created_at": _("Known since"),
    "updated_at": _("Last changed"),
    "objected_at": _("Objected to all marketing"),
    "complained_at": _("Reported a mail as spam"),
    "topic": _("About"),
    "brand": _("Brand"),
    "state": _("State"),
    "level": _("How clearly"),
    "basis": _("Legal basis"),
    "since": _("Since"),
    "until": _("Until"),
    "expires_at": _("Ends"),
    "purpose": _("Purpose"),
    "at": _("When"),
    "action": _("What happened"),
    "subject": _("Subject"),
    "actor": _("By"),
    "form": _("Form"),
    "shown": _("What was shown"),
    "evidence": _("Recorded with it"),
    "campaign": _("E-mail"),
    "reason": _("Reason"),
    "comment": _("In your words"),
    "sent_at": _("Sent"),
    "failed_at": _("Refused"),
    "opened_at": _("Opened"),
    "human_opened_at": _("Opened by a person"),
    "clicked_at": _("Clicked"),
    "unsubscribed_at": _("Unsubscribed"),
    "tracked": _("Measured"),
    "opens": _("Opens"),
    "clicks": _("Clicks"),
    "reply": _("What the mail server said"),
    "kind": _("Type"),
    "link": _("Link number"),
    "agent": _("Program"),
    "device": _("Device"),
    "label": _("Taken for"),
    "order": _("Order"),
    "amount": _("Amount"),
    "currency": _("Currency"),
    "items": _("Items"),
    "orders": _("Orders"),
    "order_value": _("Value of orders"),
    "ordered_at": _("Latest order"),
    "confirmed_at": _("Confirmed"),
    "mailed_at": _("E-mail sent"),
    "lifted_at": _("Lifted"),
    "outcome": _("What it was"),
    "lifted_why": _("Why it was lifted"),
    "scope": _("For"),
    "value": _("Value"),
    "number": _("Number"),
    "ip": _("IP address"),
    "user_agent": _("Browser"),
    "referrer": _("Came from"),
    "tracking": _("Measuring"),
    "minor_email": _("Address of the child"),
    "statements": _("What was stated"),
    "reminded_at": _("Reminded"),
    "page": _("Page"),
    "text": _("Text"),
    "version": _("Version"),
}
# What is of use to machines alone; the files have it.
_HIDDEN = frozenset(
    {"seq", "entry", "hash", "evidence_digest", "recorded_at", "actor_id", "import_batch", "campaign_id", "name"}
)
_HIDDEN_ACTS = frozenset({"subject", "state"})  # what happened says it
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_NAMES: Mapping[str, Mapping[str, object]] = {
    "level": LEVEL_NAMES,
    "basis": BASIS_NAMES,
    "action": ACTION_NAMES,
    "actor": ACTOR_NAMES,
    "kind": {"open": _("opened"), "click": _("clicked")},
    "label": {
        "human": _("a person"),
        "repeat": _("a repetition"),
        "machine": _("a machine"),
        "prefetch": _("a machine"),
    },
    "scope": {"all": _("all mail"), "brand": _("mail of a brand"), "topic": _("mail about a topic")},
    "outcome": {
        "unsubscribed": _("unsubscribed"),
        "bounced": _("could not be delivered"),
        "delayed": _("was delayed"),
        "complained": _("was reported as spam"),
        "reply": _("an answer"),
    },
    "purpose": {"marketing": _("marketing"), "tracking": _("Measuring opens and clicks")},
}


@dataclass(frozen=True)
class Section:
    """One kind of thing that is held; each record is a list of (label, value)."""

    key: str
    title: str
    why: str
    records: tuple[tuple[tuple[str, str], ...], ...]


def sections(held: Json, topics: Mapping[str, str], brands: Mapping[int, str]) -> list[Section]:
    """Return what is held in words, section by section; empty ones are left out. ``topics`` are names by slug."""
    mails = {str(mail["campaign_id"]): str(mail["campaign"]) for mail in _records(held.get("messages"))}
    reader = _Reader(topics, brands, mails)
    order = list(TITLES)
    parts = sorted(_parts(held), key=lambda part: order.index(part[0]) if part[0] in order else len(order))
    found = []
    for key, records in parts:
        shown = tuple(record for record in (reader.record(key, one) for one in records) if record)
        if shown:
            title = str(TITLES.get(key, _plain(key)))
            found.append(Section(key, title, str(WHY.get(key, "")), shown))
    return found


def as_csv(held: Json) -> str:
    """Return what is held as one table of section, record, field and value; no cell is run by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["section", "record", "field", "value"])
    for key, records in _parts(held):
        for number, record in enumerate(records, start=1):
            for name, value in _flat(record):
                writer.writerow([key, number, name, guard_formula("" if value is None else str(value))])
    return text.getvalue()


def _parts(held: Json) -> Iterator[tuple[str, list[Json]]]:
    """Yield every section as a list of records; what is permitted and how that came about stand apart."""
    for key, part in held.items():
        if key == "permission" and isinstance(part, dict):
            yield key, _records(part.get("processing"))
            yield "acts", _records(part.get("events"))
        else:
            yield key, _records(part)


def _records(part: object) -> list[Json]:
    if isinstance(part, dict):
        return [part] if part else []
    return [one for one in part if isinstance(one, dict)] if isinstance(part, list) else []


def _flat(record: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield f"{before}{name}", "; ".join(str(one) for one in value)
        else:
            yield f"{before}{name}", value


def _plain(key: str) -> str:
    return key.replace("_", " ").capitalize()


class _Reader:
    """Puts values into words."""

    def __init__(self, topics: Mapping[str, str], brands: Mapping[int, str], mails: Mapping[str, str]) -> None:
        self._topics, self._brands, self._mails = topics, brands, mails

    def record(self, section: str, record: Json) -> tuple[tuple[str, str], ...]:
        """Return the labels and values of one record; what is empty or hidden is left out."""
        pairs = []
        for name, value in record.items():
            if name in _HIDDEN or value in (None, "", [], {}) or (section == "acts" and name in _HIDDEN_ACTS):
                continue
            pairs.append((str(LABELS.get(name, _plain(name))), self._say(section, name, value)))
        return tuple(pairs)

    def _say(self, section: str, name: str, value: object) -> str:
        if isinstance(value, bool):
            return str(_("yes") if value else _("no"))
        if isinstance(value, dict):
            inner = self.record(section, value)
            return " · ".join(f"{label}: {text}" for label, text in inner)
        if isinstance(value, list):
            return ", ".join(self._say(section, name, one) for one in value)
        if isinstance(value, str) and _TIME.match(value):
            moment = datetime.fromisoformat(value)
            return f"{format_date(moment, 'medium')}, {format_time(moment, 'short')}"
        if name == "brand" and isinstance(value, int):
            return self._brands.get(value, str(value))
        return self._named(section, name, str(value))

    def _named(self, section: str, name: str, value: str) -> str:
        if name == "topic":
            return self._topics.get(value, value)
        if name == "campaign":
            return self._mails.get(value, value)
        if name == "language" and (locale := get_locale()):
            return str(locale.languages.get(value, value))
        if name == "state":
            return str((MESSAGE_STATE_NAMES if section == "messages" else STATE_NAMES).get(value, value))
        if name == "reason":
            if section == "messages":
                return gates.label(value)
            return str((LEAVING_NAMES if section == "leaving_reasons" else REASON_NAMES).get(value, value))
        return str(_NAMES.get(name, {}).get(value, value))
