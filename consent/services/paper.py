"""Bringing in people who signed on paper, by the ledger's own rules: nothing lifts a withdrawal but the person.

Each may get a confirmation mail first, as from a form; or the signature itself is the consent, at level ``opt_in``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput
from app.customers.services.contacts import find_or_create
from consent.errors import NotAllowed
from consent.models import PaperList
from consent.policy.ladder import Basis, Level
from consent.policy.paper import Person, Unread
from consent.policy.sources import clean
from consent.policy.standing import Action, Actor, Subject
from consent.queries import forms
from consent.queries.forms import FormInfo
from consent.queries.suppressions import reasons_against
from consent.services import sign_up, wordings
from consent.services.ledger import Entry, append


@dataclass(frozen=True)
class Sheet:
    """What is said of a list. ``words`` are what stood on the paper; the scan is kept already."""

    form_id: int
    topic_ids: tuple[int, ...]
    language: str
    words: str
    signed_on: date
    place: str
    confirms: bool
    scan_sha256: str
    scan_type: str
    scan_size: int
    staff_id: int


@dataclass(frozen=True)
class Recorded:
    """What became of a list: its id, the requests that a confirmation mail is to answer, and who was left out, why."""

    id: int
    sign_up_ids: tuple[int, ...]
    taken: int
    refused: tuple[Unread, ...]


def record(session: Session, sheet: Sheet, people: Sequence[Person]) -> Recorded:
    """Write a list down; one who may not be asked stops nobody else. Raises ``InvalidInput`` naming the field."""
    form = forms.form(session, sheet.form_id)
    _check(form, sheet)
    row = PaperList(
        form_id=form.id,
        topic_ids=list(sheet.topic_ids),
        wording_id=_words(session, form, sheet),
        language=sheet.language,
        signed_on=sheet.signed_on,
        place=sheet.place.strip(),
        confirms=sheet.confirms,
        scan_sha256=bytes.fromhex(sheet.scan_sha256),
        scan_type=sheet.scan_type,
        scan_size=sheet.scan_size,
        staff_id=sheet.staff_id,
    )
    session.add(row)
    session.flush()
    asked: list[int] = []
    refused: list[Unread] = []
    for person in people:
        try:
            if sheet.confirms:
                asked.append(_ask(session, form, row, person))
            else:
                _grant(session, row, person)
        except (NotAllowed, InvalidInput) as error:
            refused.append(Unread(person.line, person.address.email, str(error)))
    row.result = {"taken": len(people) - len(refused), "refused": len(refused)}
    session.flush()
    return Recorded(row.id, tuple(asked), len(people) - len(refused), tuple(refused))


def _check(form: FormInfo, sheet: Sheet) -> None:
    if not sheet.topic_ids or not set(sheet.topic_ids) <= set(form.topic_ids):
        raise InvalidInput(_("Choose what people signed for."), field="topic_ids")
    if not sheet.words.strip():
        raise InvalidInput(_("Type the words that stood on the paper: they are what people agreed to."), field="words")
    if not sheet.place.strip():
        raise InvalidInput(_("Say where it was signed."), field="place")
    if sheet.signed_on > clock.now().date():
        raise InvalidInput(_("This day has not come yet."), field="signed_on")


def _words(session: Session, form: FormInfo, sheet: Sheet) -> int:
    """Return the wording that stood on the paper: the form's own, else one that is kept for paper."""
    shown, words = form.wordings.get(("consent", sheet.language)), sheet.words.strip()
    if shown is not None and shown.text == words:
        return shown.id
    return wordings.ensure(session, form.id, "paper", sheet.language, words)


def _evidence(row: PaperList, person: Person) -> dict[str, str]:
    return {
        "paper_list": str(row.id),
        "paper_line": str(person.nth),
        "paper_place": row.place[:200],
        "paper_signed_on": row.signed_on.isoformat(),
        "paper_scan_sha256": row.scan_sha256.hex(),
    }


def _ask(session: Session, form: FormInfo, row: PaperList, person: Person) -> int:
    names = {"first_name": person.first_name, "last_name": person.last_name}
    asked = sign_up.Request(
        form=form,
        address=person.address,
        topic_ids=tuple(row.topic_ids),
        tracking=False,
        language=row.language,
        ip=None,
        user_agent="",
        page="",
        source=clean(f"paper {row.place}"),
        wording_id=row.wording_id,
        statements=_evidence(row, person),
        fields={name: value for name, value in names.items() if value},
    )
    sign_up_id = sign_up.request(session, asked)
    if sign_up_id is None:
        raise NotAllowed(_("This address was asked about very often today."))
    return sign_up_id


def _grant(session: Session, row: PaperList, person: Person) -> None:
    if "erasure" in reasons_against(session, person.address):
        raise NotAllowed(_("This person's data was erased. Only they can come back, by a form or a confirmation mail."))
    source = clean(f"paper {row.place}")
    names = {"first_name": person.first_name, "last_name": person.last_name}
    contact_id = find_or_create(
        session,
        person.address.email,
        language=row.language,
        source=source,
        **{name: value for name, value in names.items() if value},
    )
    signed_at = datetime.combine(row.signed_on, time(12), UTC)
    for topic_id in row.topic_ids:
        entry = Entry(
            Subject.TOPIC,
            Action.GRANT,
            Actor.STAFF,
            topic_id=topic_id,
            level=Level.OPT_IN,
            basis=Basis.CONSENT,
            at=signed_at,
            wording_id=row.wording_id,
            language=row.language,
            form_id=row.form_id,
            actor_id=row.staff_id,
            evidence={"email": person.address.email, "source": source, **_evidence(row, person)},
        )
        append(session, contact_id, entry)
