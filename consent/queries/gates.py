"""The gates between a person and a mail, as one SELECT that freezing and claiming join.

``policy.standing.decide`` says the same from the ledger alone; a test with random histories holds both together.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Label,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, array

from app.brands.queries.brands import brand_table
from app.customers.queries.contacts import contact_table
from consent.models import Pause, Permission, PermissionEvent, Suppression, TrackingPermission
from consent.policy.ladder import closed_upwards
from consent.policy.profiles import COUNTRIES, EUROPE, PROFILES
from consent.policy.standing import Subject
from consent.queries import covering
from consent.queries.topics import topic_table

# Every gate in the order in which it is asked, with what people read.
GATES: tuple[tuple[str, object], ...] = (
    ("erased", _("Their data was erased")),
    ("merged", _("Merged into another contact")),
    ("no_address", _("No e-mail address")),
    ("suppressed", _("The address is suppressed")),
    ("complained", _("Reported a mail as spam")),
    ("objected", _("Objected to all marketing")),
    ("no_permission", _("Never permitted this topic")),
    ("permission_withdrawn", _("Withdrew their permission")),
    ("permission_expired", _("Their permission has expired")),
    ("permission_pending", _("Has not confirmed yet")),
    ("permission_too_weak", _("Their permission is too weak for this topic")),
    ("address_changed", _("Permitted another address")),
    ("paused", _("Asked for a pause")),
)

# A time, or an expression of one for a statement that is built once and executed often.
Moment = datetime | ColumnElement[datetime]


def label(gate: str) -> str:
    """Return what people read for a gate."""
    return str(dict(GATES).get(gate, gate))


def gates(
    topic_id: int, brand_id: int, now: Moment, people: FromClause | Select[int]
) -> Select[int, str | None, int | None, bool, bytes | None]:
    """Return a SELECT of (contact_id, gate, event_id, tracked, address_key), one row for each contact of ``people``.

    ``people`` has a column ``contact_id`` without repetitions. ``gate`` is NULL when mail may be sent, else the
    first gate that is shut; ``event_id`` the ledger entry that decides; ``tracked`` whether the brand may track.
    """
    source = people.subquery("people") if isinstance(people, Select) else people
    contact = contact_table()
    gate = _gate(topic_id, brand_id, now)
    # Soft opt-in and the like never permit tracking, whatever the brand's default is.
    tracked = and_(
        func.coalesce(TrackingPermission.granted, and_(Permission.basis == "consent", _measured(brand_id)), false()),
        not_(covering.untracked(brand_id)),
    )
    return (
        select(
            source.c.contact_id.label("contact_id"),
            gate.label("gate"),
            _deciding(gate, topic_id),
            tracked.label("tracked"),
            contact.c.address_key.label("address_key"),
        )
        .select_from(source)
        .join(contact, contact.c.id == source.c.contact_id)
        .outerjoin(Permission, and_(Permission.contact_id == contact.c.id, Permission.topic_id == topic_id))
        .outerjoin(
            TrackingPermission,
            and_(TrackingPermission.contact_id == contact.c.id, TrackingPermission.brand_id == brand_id),
        )
        .outerjoin(Pause, and_(Pause.contact_id == contact.c.id, Pause.brand_id == brand_id))
    )


def _gate(topic_id: int, brand_id: int, now: Moment) -> ColumnElement[str | None]:
    """Return the first gate that is shut, asking what most people have before the states that each need a look."""
    shut = dict(conditions(topic_id, brand_id, now))
    granted = and_(
        Permission.state == "granted",
        or_(Permission.expires_at.is_(None), Permission.expires_at > now),
        not_(covering.withdrawn(topic_id)),
    )
    of_granted = {gate: shut.pop(gate) for gate in ("permission_too_weak", "address_changed", "paused")}
    enough: ColumnElement[str | None] = case(*((when, gate) for gate, when in of_granted.items()), else_=null())
    asked: list[tuple[ColumnElement[bool], str | ColumnElement[str | None]]] = []
    for gate, when in shut.items():
        if gate == "no_permission":
            asked.append((granted, enough))
        asked.append((when, gate))
    return case(*asked, else_=null())


def conditions(topic_id: int, brand_id: int, now: Moment) -> tuple[tuple[str, ColumnElement[bool]], ...]:
    """Return, in the order of ``GATES``, when each gate is shut for a row of ``contact_table()`` joined with its
    ``permission`` of the topic and its ``pause`` of the brand. A gate of a permission presumes that those before it are
    open."""
    contact = contact_table()
    suffices = func.jsonb_exists(
        _accepted(topic_id), func.coalesce(_local(), "") + " " + Permission.basis + "@" + Permission.level
    )
    lapsed = and_(Permission.expires_at <= now, Permission.state.in_(("granted", "pending")))
    return (
        ("erased", contact.c.erased_at.is_not(None)),
        ("merged", contact.c.merged_into.is_not(None)),
        ("no_address", contact.c.address_key.is_(None)),
        ("suppressed", suppressed_anywhere(topic_id, brand_id, now)),
        ("complained", or_(contact.c.complained_at.is_not(None), covering.complained())),
        ("objected", or_(contact.c.objected_at.is_not(None), covering.objected())),
        ("no_permission", or_(Permission.state.is_(None), Permission.state == "never_asked")),
        ("permission_withdrawn", or_(Permission.state == "withdrawn", covering.withdrawn(topic_id))),
        ("permission_expired", or_(Permission.state == "expired", lapsed)),
        ("permission_pending", Permission.state == "pending"),
        # "Is not true" shuts the gate as well when nothing is accepted at all.
        ("permission_too_weak", suffices.is_not(true())),
        ("address_changed", Permission.address_key.is_distinct_from(contact.c.address_key)),
        ("paused", or_(and_(Pause.until.is_not(None), Pause.until > now), covering.paused(brand_id, now))),
    )


def suppressed_anywhere(topic_id: int, brand_id: int, now: Moment) -> ColumnElement[bool]:
    """Return the condition that a row of ``contact_table()``, joined with its ``permission`` of the topic, has a
    suppressed address, perhaps under another number."""
    theirs = suppressed(topic_id, brand_id, now, person=covering.folded, further=covering.lasts(Suppression.created_at))
    return or_(suppressed(topic_id, brand_id, now), covering.under_another(theirs))


def suppressed(
    topic_id: int | None,
    brand_id: int | None,
    now: Moment,
    reasons: Collection[str] = (),
    *,
    person: FromClause | None = None,
    further: ColumnElement[bool] | None = None,
) -> ColumnElement[bool]:
    """Return the condition that a row of ``contact_table()`` (or ``person``) has a suppressed address: for mails of a
    topic and its brand (None: for all mail), for one of ``reasons`` (none: for any), of which ``further`` holds.

    The rules for domains and patterns are few or none, so whether there are any is asked once a statement.
    """
    person = contact_table() if person is None else person
    holds = and_(
        true() if further is None else further,
        Suppression.lifted_at.is_(None),
        or_(Suppression.until.is_(None), Suppression.until > now),
        or_(
            Suppression.scope == "all",
            and_(Suppression.scope == "brand", Suppression.brand_id == brand_id),
            and_(Suppression.scope == "topic", Suppression.topic_id == topic_id),
        ),
        *([Suppression.reason.in_(reasons)] if reasons else []),
    )
    # Said as the partial index on rules says it, or a claim would read all suppressions to learn that there is none.
    any_rule = select(exists().where(Suppression.value.is_not(None), Suppression.lifted_at.is_(None))).scalar_subquery()
    of_address = exists().where(Suppression.address_key == person.c.address_key, holds)
    of_domain = exists().where(Suppression.kind == "domain", Suppression.value == person.c.domain, holds)
    of_pattern = exists().where(Suppression.kind == "pattern", person.c.email_key.like(Suppression.value), holds)
    by_rule = or_(of_domain.correlate_except(Suppression), of_pattern.correlate_except(Suppression))
    return or_(of_address.correlate_except(Suppression), and_(any_rule, by_rule))


def _local() -> ColumnElement[str | None]:
    """Return the profile of the country that a row of ``contact_table()`` names, NULL without one."""
    return cast(dict(COUNTRIES), JSONB).op("->>")(contact_table().c.country)


def _accepted(topic_id: int) -> ColumnElement[object]:
    """Return, as a jsonb object found once a statement, what suffices where (``policy.profiles.accepted``).

    Its keys are a pair behind the profile of a country, and behind nothing for people of whom the brand's profile
    alone decides: ``fr consent@confirmed``, `` consent@confirmed``.
    """
    brand, topic = brand_table(), topic_table()
    defaults = cast({name: closed_upwards(found.defaults) for name, found in PROFILES.items()}, JSONB)
    possible = cast({name: sorted(found.possible) for name, found in PROFILES.items()}, JSONB)
    own = case((func.jsonb_exists(defaults, brand.c.profile), brand.c.profile), else_=EUROPE.name)
    places = func.jsonb_object(array(["", *PROFILES]), array([own, *map(literal, PROFILES)]))
    place = func.jsonb_each_text(places).table_valued("key", "value", name="place")
    mine = func.coalesce(topic.c.accepts[own], defaults[own])
    pair = func.jsonb_array_elements_text(mine).table_valued("value", name="pair")
    theirs = func.coalesce(topic.c.accepts[place.c.value], possible[place.c.value])
    return (
        select(func.jsonb_object_agg(place.c.key + " " + pair.c.value, true()))
        .select_from(topic.join(brand, brand.c.id == topic.c.brand_id).join(place, true()).join(pair, true()))
        .where(topic.c.id == topic_id, func.jsonb_exists(theirs, pair.c.value))
        .scalar_subquery()
    )


def _measured(brand_id: int) -> ColumnElement[bool]:
    """Return whether a contact is measured who consented and never spoke of it (``profiles.measured_by_default``)."""
    brand = brand_table()
    lax = [name for name, found in PROFILES.items() if found.tracking_default]

    def of_brand(what: ColumnElement[bool]) -> ColumnElement[bool]:
        return select(what).where(brand.c.id == brand_id).scalar_subquery()

    local = _local()
    elsewhere = or_(local.is_(None), local.in_(lax), of_brand(brand.c.profile.not_in(lax)))
    return and_(of_brand(brand.c.tracking_default), elsewhere)


def latest(subject: Subject) -> ColumnElement[int | None]:
    """Return the id of the latest entry about ``subject`` of a row of ``contact_table()``."""
    event, contact = PermissionEvent, contact_table()
    return (
        select(event.id)
        .where(event.contact_id == contact.c.id, event.subject == subject.value)
        .order_by(event.seq.desc())
        .limit(1)
        .correlate(contact)
        .scalar_subquery()
    )


def _deciding(gate: ColumnElement[str | None], topic_id: int) -> Label[int | None]:
    """Return the id of the entry that decides: of the erasure or merge, of the objection or complaint, of the pause,
    of a refusal under another number, or of the permission."""
    contact = contact_table()
    return case(
        (or_(contact.c.erased_at.is_not(None), contact.c.merged_into.is_not(None)), latest(Subject.CONTACT)),
        (or_(contact.c.objected_at.is_not(None), contact.c.complained_at.is_not(None)), latest(Subject.MARKETING)),
        # Who has no pause is not asked all gates a second time: PostgreSQL computes a repeated expression anew.
        (and_(Pause.until.is_not(None), gate == "paused"), Pause.event_id),
        else_=func.coalesce(covering.refusal(), covering.withdrawal(topic_id), Permission.event_id),
    ).label("event_id")


def count_by_gate(
    topic_id: int, brand_id: int, now: Moment, people: FromClause | Select[int]
) -> Select[str | None, int]:
    """Return a SELECT of (gate, how many) over ``people``; gate NULL is who may be written to."""
    passed = gates(topic_id, brand_id, now, people).subquery()
    return select(passed.c.gate, func.count(literal(1))).group_by(passed.c.gate)
