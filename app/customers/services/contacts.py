"""Adding, changing and marking contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import Text, cast, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock, jobs
from app.core.db import after_commit
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.registries import Registry
from app.customers.models import (
    Contact,
    ContactAddress,
    ContactAlias,
    ContactNote,
    Duplicate,
    ExternalId,
    ImportBatch,
    ImportChange,
    ImportReject,
)
from app.customers.policy import normalise, origins
from app.customers.policy.address import spellings
from app.customers.policy.origins import Origin
from app.customers.policy.values import (
    FieldValue,
    parse,
    parse_country,
    parse_language,
    parse_time_zone,
    single_line,
)
from app.customers.queries.fields import dictionary
from app.customers.queries.merging import held
from app.customers.services import profile
from app.customers.services.importing import forgetting

# (session, contact_id, former address key, new address key, by the person): consent writes the ledger entry
AddressListener = Callable[[Session, int, bytes | None, bytes | None, bool], None]
address_listeners: Registry[AddressListener] = Registry("listeners to changes of address")

# Who sets a value: the kind, and the number of a form, an import, an account
Setter = tuple[Origin, int | None]
_CORE: dict[str, Callable[[str], str]] = {
    "first_name": single_line,
    "last_name": single_line,
    "language": parse_language,
    "time_zone": parse_time_zone,
    "country": parse_country,
    "source": single_line,
}


def find_or_create(
    session: Session,
    address: str,
    by: Setter | None = None,
    /,
    *,
    language: str | None = None,
    source: str = "",
    **fields: str,
) -> int:
    """Return the id of the contact with this address, adding them when nobody has it.

    ``fields`` are ``first_name``, ``last_name``, ``time_zone``, ``country`` and declared fields, as text. For a
    contact who exists they fill only what is empty: whoever types an address need not be its owner. ``by`` says who
    fills it (the one who acts, unless told).
    Raises ``InvalidInput`` naming the field.
    """
    found = normalise(address)
    core, attributes = _parsed(session, {**fields, "language": language or "", "source": source})
    inserted: int | None = session.scalar(
        insert(Contact)
        .values(email=found.email, email_key=found.email_key, address_key=found.address_key)
        .values(**core, attributes=attributes)
        .on_conflict_do_nothing(index_elements=["email_key"], index_where=Contact.email_key.is_not(None))
        .returning(Contact.id)
    )
    if inserted is not None:
        return inserted
    row = session.scalars(select(Contact).where(Contact.email_key == found.email_key).with_for_update()).one()
    missing = {name: value for name, value in core.items() if value and not getattr(row, name)}
    for name, value in missing.items():
        setattr(row, name, value)
    new = {name: value for name, value in attributes.items() if name not in row.attributes}
    if new:
        row.attributes = row.attributes | new
    if missing or new:
        _stamp(row, [*missing, *new], by)
        row.updated_at = clock.now()
        session.flush()
    return row.id


def create(session: Session, address: str, values: Mapping[str, str], tags: Iterable[str] = ()) -> int:
    """Add a contact by hand; ``values`` as fields of ``find_or_create``. Raises ``Conflict`` for a known address."""
    known = session.scalar(select(Contact.id).where(Contact.email_key == normalise(address).email_key))
    if known is not None:
        raise Conflict(_("A contact with this address exists already."))
    given = dict(values)
    contact_id = find_or_create(
        session, address, language=given.pop("language", ""), source=given.pop("source", ""), **given
    )
    if kept := clean_tags(tags):
        set_tags(session, contact_id, kept)
    return contact_id


def edit(session: Session, contact_id: int, values: Mapping[str, str], *, by: Setter | None = None) -> None:
    """Set core and declared fields from text; blank text empties a field. ``by`` says who does (the one who acts,
    unless told). Raises ``InvalidInput`` naming the field."""
    row = _locked(session, contact_id)
    before = held(row)
    core, attributes = _parsed(session, values)
    for name in values:
        if name in ("first_name", "last_name", "source"):
            setattr(row, name, core.get(name, ""))
        elif name in _CORE:
            setattr(row, name, core.get(name))
    kept = {name: value for name, value in row.attributes.items() if name not in values}
    row.attributes = kept | attributes
    row.updated_at, row.known_at = clock.now(), None
    after = held(row)
    _stamp(row, [name for name in {**before, **after} if before.get(name) != after.get(name)], by)
    session.flush()


def _stamp(row: Contact, names: Iterable[str], by: Setter | None) -> None:
    """Remember who set these fields, and when."""
    staff_id = audit.actor().staff_id
    origin, number = by or ((Origin.SYSTEM, None) if staff_id is None else (Origin.STAFF, staff_id))
    row.origins = origins.stamped(row.origins, names, origin, number, clock.now())


def change_address(session: Session, contact_id: int, address: str, *, by_person: bool = False) -> None:
    """Give a contact another address and keep the former one. A permission binds person and address, so what was
    permitted for the former address does not hold for the new one (consent decides by the address key).
    ``by_person`` tells that the person did it themselves.

    Raises ``InvalidInput``, or ``Conflict`` when another contact has the address.
    """
    found = normalise(address)
    row = _locked(session, contact_id)
    if row.email_key == found.email_key:
        row.email = found.email
        session.flush()
        return
    if session.scalar(select(Contact.id).where(Contact.email_key == found.email_key)) is not None:
        raise Conflict(_("Another contact has this address."))
    former = row.address_key
    if row.email is not None and former is not None:
        session.add(ContactAddress(contact_id=contact_id, email=row.email, address_key=former, until=clock.now()))
    row.email, row.email_key, row.address_key = found.email, found.email_key, found.address_key
    row.updated_at = clock.now()
    session.flush()
    for listener in address_listeners:
        listener(session, contact_id, former, found.address_key, by_person)


def set_tags(session: Session, contact_id: int, tags: Iterable[str]) -> None:
    """Replace a contact's tags. Raises ``InvalidInput`` for a tag that cannot be kept."""
    row = _locked(session, contact_id)
    row.tags = clean_tags(tags)
    row.updated_at = clock.now()
    session.flush()


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags trimmed, once each, in order. Raises ``InvalidInput`` for line breaks, commas or excess."""
    kept: dict[str, None] = {}
    for tag in tags:
        text = single_line(tag)
        if "," in text or ";" in text or len(text) > 60:
            raise InvalidInput(_("A tag has at most 60 characters and no comma or semicolon."), field="tags")
        if text:
            kept[text] = None
    return list(kept)


def mark_objected(session: Session, contact_ids: Iterable[int], at: datetime | None) -> None:
    """Note (or, with None, lift) an objection to marketing on the contact; the earliest moment stays.

    It ends the profile, too; who lifts it gets one again.
    """
    ids = list(contact_ids)
    statement = update(Contact).where(Contact.id.in_(ids))
    if at is not None:
        statement = statement.where(Contact.objected_at.is_(None))
    session.execute(statement.values(objected_at=at))
    if at is not None:
        heads = select(Contact.merged_into).where(Contact.id.in_(ids), Contact.merged_into.is_not(None))
        together = or_(Contact.id.in_(ids), Contact.merged_into.in_(ids), Contact.id.in_(heads))
        profile.forget(session, list(session.scalars(select(Contact.id).where(together))))
    else:
        for refold in profile.refolds:
            refold(session, ids)


def mark_complained(session: Session, contact_ids: Iterable[int], at: datetime | None) -> None:
    """Note (or, with None, lift) a spam complaint on the contact; the earliest moment stays."""
    statement = update(Contact).where(Contact.id.in_(list(contact_ids)))
    if at is not None:
        statement = statement.where(Contact.complained_at.is_(None))
    session.execute(statement.values(complained_at=at))


def erase(session: Session, contact_id: int) -> None:
    """Null what is personal about a contact; forget earlier addresses, what other systems call the person, and
    refused rows of imports that name one of the addresses. The opaque id stays."""
    row = _locked(session, contact_id)
    earlier = session.scalars(select(ContactAddress).where(ContactAddress.contact_id == contact_id)).all()
    known = {
        text
        for address in filter(None, [row.email, *(former.email for former in earlier)])
        for text in (address, *spellings(address))
    }
    for address in known:
        session.execute(delete(ImportReject).where(ImportReject.row.icontains(address, autoescape=True)))
        tried = cast(ImportBatch.preview, Text).icontains(address, autoescape=True)
        session.execute(update(ImportBatch).where(tried).values(preview=[]))
    jobs.forget(session, known)
    running = ImportBatch.status.in_(("running", "stopping"))
    busy = set(session.scalars(select(ImportBatch.path).where(running)))
    after_commit(session, lambda: forgetting.forget_uploads(known, busy))
    session.execute(delete(ImportChange).where(ImportChange.contact_id == contact_id))
    session.execute(delete(ExternalId).where(ExternalId.contact_id == contact_id))
    merged = or_(ContactAlias.alias_id == contact_id, ContactAlias.contact_id == contact_id)
    session.execute(update(ContactAlias).where(merged).values(changes={}))
    session.execute(delete(Duplicate).where(or_(Duplicate.low_id == contact_id, Duplicate.high_id == contact_id)))
    row.email = row.email_key = row.address_key = None
    row.first_name = row.last_name = row.source = ""
    row.language = row.time_zone = row.country = None
    row.tags, row.attributes, row.origins = [], {}, {}
    session.execute(delete(ContactNote).where(ContactNote.contact_id == contact_id))
    row.erased_at = row.updated_at = clock.now()
    for former in earlier:
        session.delete(former)
    session.flush()


def _locked(session: Session, contact_id: int) -> Contact:
    row = session.get(Contact, contact_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(_("There is no contact %(id)s.", id=contact_id))
    if row.erased_at is not None:
        raise Conflict(_("This person's data was erased."))
    return row


def _parsed(session: Session, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, FieldValue]]:
    """Split text values into typed core columns and typed attributes; blanks are left out."""
    core: dict[str, str] = {}
    attributes: dict[str, FieldValue] = {}
    declared = {field.name: field for field in dictionary(session)} if set(values) - set(_CORE) else {}
    for name, text in values.items():
        if not text.strip():
            continue
        try:
            if name in _CORE:
                core[name] = _CORE[name](text)
            elif field := declared.get(name):
                value = parse(field.kind, text, field.choices)
                if value is not None:
                    attributes[name] = value
            else:
                raise InvalidInput(_("No field is called %(name)s.", name=name))
        except InvalidInput as error:
            raise InvalidInput(str(error), field=name) from None
    return core, attributes
