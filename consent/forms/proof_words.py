"""The words of the printed proof, and its lines as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_babel import force_locale
from flask_babel import gettext as _

from app.core import clock, typeset
from consent.forms.names import ACTION_NAMES, ACTOR_NAMES, BASIS_NAMES, LEVEL_NAMES, STATE_NAMES
from consent.policy.notice import PURPOSES
from consent.queries import proof
from consent.services.conditions import CONDITIONS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Json = dict[str, object]
LANGUAGES = ("en", "fr")
# Told in words of its own; what is of use to ``verify`` alone.
_SILENT = frozenset({"notice_version", "notice_sha256", "wording_sha256"})


def pdf(session: Session, contact_id: int, language: str) -> bytes:
    """Return the proof of a person's permissions as a dated PDF in ``language``. Raises ``NotFound``."""
    made = proof.proof(session, contact_id)
    with force_locale(language):
        return typeset.pdf("proof", _document(made, language), clock.now())


def _document(made: Json, language: str) -> Json:
    header, parties = _mapping(made["record_header"]), _mapping(made["parties"])
    principal, controller = _mapping(parties["pii_principal"]), parties["pii_controller"]
    anchor = _mapping(header["chain"])["anchor"]
    topics = {str(row["topic"]): _name(row, language) for row in _rows(made["processing"])}
    named = {"state": STATE_NAMES, "level": LEVEL_NAMES, "basis": BASIS_NAMES, "action": ACTION_NAMES}
    return {
        "language": language,
        "proof": made,
        "words": _words(),
        "names": {kind: _texts(names) for kind, names in (named | {"actor": ACTOR_NAMES}).items()},
        "person": principal["email"] or _("contact %(id)s", id=principal["id"]),
        "issued": _moment(header["issued_at"]),
        "anchored": _moment(_mapping(anchor)["made_at"]) if anchor else "",
        "merged": [str(_other(one, principal["id"])) for one in _rows(principal["merged"]) if not one["undone_at"]],
        "notice": _mapping(controller)["privacy_notice"] if controller else "",
        "purposes": [_purpose(row, language) for row in _rows(made["processing"])],
        "events": _events(_rows(made["events"]), topics),
    }


def _other(link: Mapping[str, object], number: object) -> object:
    return link["number"] if link["merged_into"] == number else link["merged_into"]


def _name(row: Mapping[str, object], language: str) -> str:
    if row["topic"] is None:
        return str(_("measuring opens and clicks"))
    names = _mapping(row["name"])
    return str(names.get(language) or next(iter(names.values()), row["topic"]))


def _purpose(row: Mapping[str, object], language: str) -> Json:
    purpose = str(row["purpose"])
    said = PURPOSES.get(purpose, {}).get(language, "" if purpose == "tracking" else purpose)
    return {
        "title": _name(row, language),
        "purpose": " · ".join(str(part) for part in (row["brand"], said) if part),
        "since": _moment(row["since"]),
        "until": _moment(row["expires_at"]) or None,
    }


def _events(rows: list[Mapping[str, object]], topics: Mapping[str, str]) -> list[Json]:
    """A notice is as long as a page, so its text stands where it was told first."""
    first: dict[str, object] = {}
    made = []
    for row in rows:
        told = str(_mapping(row["told"])["text"]) if row["told"] else ""
        made.append(_event(row, topics) | {"told_in": first.get(told)})
        first.setdefault(told, row["seq"])
    return made


def _event(row: Mapping[str, object], topics: Mapping[str, str]) -> Json:
    about = topics.get(str(row["topic"]), str(row["topic"])) if row["topic"] else ""
    if row["subject"] == "tracking":
        about = _("measuring opens and clicks")
    where = [
        _("form “%(name)s”", name=row["form"]) if row["form"] else "",
        _("campaign %(id)s", id=row["campaign"]) if row["campaign"] else "",
        _("import %(id)s", id=row["import_batch"]) if row["import_batch"] else "",
    ]
    return {
        "about": about,
        "at": _moment(row["at"]),
        "until": _moment(row["expires_at"]),
        "where": ", ".join(filter(None, where)),
        "evidence": [
            (_evidence_name(name), value)
            for name, value in _mapping(row["evidence"]).items()
            if value and name not in _SILENT
        ],
    }


def _evidence_name(name: str) -> str:
    if name in CONDITIONS:
        return str(CONDITIONS[name].label)
    names: dict[str, str] = {
        "email": _("Address"),
        "ip": _("IP address"),
        "user_agent": _("Browser"),
        "page": _("Page"),
        "source": _("Source"),
        "referrer": _("Came from"),
        "evidence": _("Evidence is kept at"),
        "former_email": _("Former address"),
        "former_key": _("Key of the former address"),
        "new_key": _("Key of the new address"),
        "undo": _("Undoes a withdrawal"),
        "reason": _("Reason"),
        "role": _("Role in the merge"),
        "other": _("Other contact number"),
    }
    return names.get(name, name)


def _words() -> dict[str, str]:
    return {
        "title": _("Proof of permission"),
        "intro": _(
            "What this person was shown, what they said, when and from where, and everything since, as the permission"
            " ledger holds it. Entries are only ever added, and each one contains the hash of the one before."
        ),
        "issued": _("issued"),
        "header": _("Record"),
        "record": _("Identifier"),
        "form": _("Schema"),
        "person": _("Person"),
        "entries": _("Entries"),
        "head": _("Hash of the last entry"),
        "anchor": _("Latest anchor"),
        "processing": _("What stands today"),
        "nothing": _("The ledger has no permission of this person."),
        "what": _("What for"),
        "state": _("State"),
        "ground": _("Ground"),
        "time": _("Since"),
        "until": _("Until"),
        "kept": _("Kept"),
        "kept_text": _(
            "The data until the permission is withdrawn or expires; what proves permission and its end, as long as"
            " claims may be made."
        ),
        "withdrawal": _("Withdrawal"),
        "withdrawal_text": _(
            "By the link in every mail, by one click in the mail program, on the preference page, or by a message to"
            " the controller."
        ),
        "rights": _("Rights"),
        "rights_text": _(
            "To see, correct, take along, restrict or erase the data, to object, to withdraw consent at any time, and"
            " to complain to a supervisory authority."
        ),
        "notice": _("Privacy notice"),
        "parties": _("Parties"),
        "controller": _("Controller"),
        "principal": _("Person"),
        "erased": _("The data of this person was erased."),
        "number": _("Contact number"),
        "merged": _("Merged with contact number"),
        "events": _("What happened"),
        "no_events": _("The ledger has no entry of this person."),
        "who": _("By"),
        "staff": _("staff member"),
        "where": _("By way of"),
        "shown": _("What was shown, word for word"),
        "told": _("What was told about the processing"),
        "as_in": _("The same text as in entry"),
        "version": _("version"),
        "destroyed": _("The evidence was destroyed when the person's data was erased."),
        "happened": _("happened"),
        "written": _("written"),
        "entry": _("entry"),
        "verify": _("How to verify"),
        "verify_text": _(
            "The JSON form of this proof holds the same record with every field. The hash of an entry is SHA-256 over"
            " the hash of the entry before it and the entry's own fields; evidence enters by a salted digest. The"
            " controller's command “flask consent verify” recomputes all of it, and “flask consent verify --anchor”"
            " holds it against an anchor kept elsewhere. Times are those of UTC (offset +00:00)."
        ),
    }


def _moment(text: object) -> str:
    """Return a time of the record to the second, in UTC with its offset; nothing for none."""
    if not text:
        return ""
    return f"{datetime.fromisoformat(str(text)).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC (+00:00)"


def _texts(names: Mapping[str, object]) -> dict[str, str]:
    return {name: str(text) for name, text in names.items()}


def _mapping(found: object) -> Mapping[str, object]:
    assert isinstance(found, Mapping)
    return found


def _rows(found: object) -> list[Mapping[str, object]]:
    assert isinstance(found, list)
    return found
