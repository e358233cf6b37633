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
from consent.forms.held_words import HIDDEN, HIDDEN_ACTS, LABELS, NAMES, TITLES, WHY
from consent.queries import gates
from consent.queries.proof import Json
from consent.services.conditions import CONDITIONS

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True)
class Section:
    """One kind of thing that is held; each record is a list of (label, value)."""

    key: str
    title: str
    why: str
    records: tuple[tuple[tuple[str, str], ...], ...]


def sections(held: Json, topics: Mapping[str, str], brands: Mapping[int, str]) -> list[Section]:
    """Return what is held in words, section by section; empty ones are left out. ``topics`` are names by slug."""
    parts = _parts(held)
    mails = {str(mail["campaign_id"]): str(mail["campaign"]) for mail in parts.get("messages", [])}
    reader = _Reader(topics, brands, mails)
    order = list(TITLES)
    ordered = sorted(parts.items(), key=lambda part: order.index(part[0]) if part[0] in order else len(order))
    found = []
    for key, records in ordered:
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
    for key, records in _parts(held).items():
        for number, record in enumerate(records, start=1):
            for name, value in _flat(record):
                writer.writerow([key, number, name, guard_formula("" if value is None else str(value))])
    return text.getvalue()


def _parts(held: Json) -> dict[str, list[Json]]:
    """Return every section as a list of records, those of other numbers of the person behind their own; what is
    permitted and how that came about stand apart."""
    parts: dict[str, list[Json]] = {}
    for key, part in held.items():
        if key == "permission" and isinstance(part, dict):
            parts[key] = _records(part.get("processing"))
            parts["acts"] = _records(part.get("events"))
        elif key != "other_numbers":
            parts[key] = _records(part)
    for other in _records(held.get("other_numbers")):
        for key, records in _parts(other).items():
            parts.setdefault(key, []).extend(records)
    return parts


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
    """Puts values into words. One reader reads a person's records in their order: a notice is as long as a page, so its
    text stands where it was told first."""

    def __init__(self, topics: Mapping[str, str], brands: Mapping[int, str], mails: Mapping[str, str]) -> None:
        self._topics, self._brands, self._mails = topics, brands, mails
        self._told: set[str] = set()

    def record(self, section: str, record: Json) -> tuple[tuple[str, str], ...]:
        """Return the labels and values of one record; what is empty or hidden is left out."""
        pairs = []
        for name, value in record.items():
            hidden = HIDDEN | HIDDEN_ACTS if section == "acts" else HIDDEN
            if name in hidden or value in (None, "", [], {}):
                continue
            pairs.append((_label(name), self._say(section, name, value)))
        return tuple(pairs)

    def _say(self, section: str, name: str, value: object) -> str:
        if isinstance(value, bool):
            return str(_("yes") if value else _("no"))
        if isinstance(value, dict):
            return self._group(section, name, value)
        if isinstance(value, list):
            return ", ".join(self._say(section, name, one) for one in value)
        if isinstance(value, str) and _TIME.match(value):
            moment = datetime.fromisoformat(value)
            return f"{format_date(moment, 'medium')}, {format_time(moment, 'short')}"
        if name == "brand" and isinstance(value, int):
            return self._brands.get(value, str(value))
        return self._named(section, name, str(value))

    def _group(self, section: str, name: str, value: Json) -> str:
        if name == "description":  # a text in several languages
            return str(value.get(_language()) or next(iter(value.values())))
        if name in ("shown", "told"):
            return self._quoted(name, value)
        inner = self.record(section, value)
        return " · ".join(str(_("%(label)s: %(text)s", label=label, text=text)) for label, text in inner)

    def _quoted(self, name: str, value: Json) -> str:
        said = str(value["text"])
        if name == "told" and said in self._told:
            return str(_("the same as above"))
        self._told.add(said)
        return str(_("“%(text)s” (version %(number)s)", text=said, number=value["version"]))

    def _named(self, section: str, name: str, value: str) -> str:
        if name == "topic":
            return self._topics.get(value, value)
        if name == "campaign":
            return self._mails.get(value, value)
        if name == "language" and (locale := get_locale()):
            return str(locale.languages.get(value, value))
        if name == "reason" and section == "messages":
            return gates.label(value)
        names = NAMES.get(f"{section}.{name}") or NAMES.get(name, {})
        return str(names.get(value, value))


def _label(name: str) -> str:
    return str(LABELS.get(name) or (CONDITIONS[name].label if name in CONDITIONS else _plain(name)))


def _language() -> str:
    locale = get_locale()
    return str(locale.language) if locale else "en"
