"""The register of processing, made from what is configured (GDPR 30(1))."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.brands.queries import brands, sending
from app.brands.queries.brands import BrandInfo
from app.core import clock
from app.core.registries import retentions
from app.customers.queries.fields import dictionary
from consent.models import RegisterText
from consent.policy import notice, profiles
from consent.policy.ladder import parse_pair
from consent.policy.register import Activity, Party, Period, Recipient, Register, Text
from consent.queries import topics
from consent.queries.topics import TopicInfo


def texts(session: Session) -> dict[Text, str]:
    """Return what the controller added, by key; blank where nothing was."""
    said = {row.key: row.text for row in session.scalars(select(RegisterText))}
    return {key: said.get(key, "") for key in Text}


def register(session: Session, language: str) -> Register:
    """Return the register as of now, with names of topics and fields in ``language`` where they are known in it."""
    owners = {brand.id: brand for brand in brands.all_brands(session)}
    said = texts(session)
    return Register(
        issued_at=clock.now().isoformat(timespec="seconds"),
        controller=_controller(session),
        brands=tuple(f"{brand.name}, {_one_line(brand.postal_address)}" for brand in owners.values()),
        activities=(*_mailings(session, owners, language), *_around()),
        recipients=tuple(_recipients(session, owners)),
        periods=tuple(Period(str(kept.what), kept.how_long(session)) for kept in retentions),
        texts=said | {Text.SECURITY: said[Text.SECURITY] or measures()},
    )


def measures() -> str:
    """Return the technical and organisational measures that the product brings by itself (GDPR 32(1))."""
    return "\n".join(
        (
            _("Personal accounts with four roles; passwords hashed with Argon2; sessions that end by themselves."),
            _("An audit trail of changes, and an access log of looks at personal data."),
            _("A permission ledger that can only be added to, hash-chained and verified."),
            _("Suppressed addresses kept as keyed digests; signing keys and passwords of relays kept encrypted."),
            _("Opens and clicks measured with consent only, kept without IP addresses; nothing from third parties."),
        )
    )


def _controller(session: Session) -> Party | None:
    who = brands.controller(session)
    if who is None:
        return None
    return Party(who.legal_name, who.registration, _one_line(who.postal_address), who.contact_email, who.privacy_url)


def _mailings(session: Session, owners: dict[int, BrandInfo], language: str) -> list[Activity]:
    data = (
        _("e-mail address"),
        _("name, language, country, time zone"),
        _("where the person came from, tags"),
        *(field.label(language) for field in dictionary(session)),
    )
    return [
        Activity(
            name=f"{topic.name(language)} · {owners[topic.brand_id].name}",
            purpose=", ".join(notice.purposes([topic.purpose], language)),
            bases=_bases(topic, owners[topic.brand_id].profile),
            subjects=_("subscribers and customers"),
            data=data,
            kept=_("until withdrawal, objection or expiry"),
        )
        for topic in topics.topics(session)
    ]


def _bases(topic: TopicInfo, profile: str) -> tuple[str, ...]:
    return tuple(sorted({parse_pair(text)[0].value for text in profiles.accepted(topic.accepts, profile)}))


def _around() -> list[Activity]:
    """What every deployment does beside sending mail."""
    return [
        Activity(
            _("Measuring responses"),
            _("knowing what interests people, and what mailings bring in"),
            ("consent",),
            _("subscribers who permit it"),
            (_("opens, clicks, kind of device"), _("orders")),
            _("until the person withdraws it or is erased"),
        ),
        Activity(
            _("Proof of permission"),
            _("showing that, when and how somebody permitted or refused mail (article 7(1))"),
            ("legal_obligation",),
            _("everybody who was ever asked"),
            (_("the words shown, time, form, IP address, browser"),),
            _("as long as mail is sent on its ground; evidence is destroyed by erasure"),
        ),
        Activity(
            _("Suppression"),
            _("not writing to who objected, complained, was erased or cannot be reached (article 21(3))"),
            ("legal_obligation", "legitimate_interest"),
            _("people who are not to be written to"),
            (_("a keyed digest of the address, reason, time"),),
            _("until the person permits mail again"),
        ),
        Activity(
            _("Requests of data subjects"),
            _("answering people about their data, and proving it (article 12)"),
            ("legal_obligation",),
            _("people who ask"),
            (_("name, addresses, telephone, what they ask, how they were identified"),),
            _("see the periods below"),
        ),
        Activity(
            _("Accounts of staff"),
            _("access by role, audit trail, access log"),
            ("legitimate_interest",),
            _("staff"),
            (_("name, e-mail address, role, what was done and seen, IP address"),),
            _("see the periods below"),
        ),
    ]


def _recipients(session: Session, owners: dict[int, BrandInfo]) -> list[Recipient]:
    return [
        Recipient(
            name=relay.host or relay.name,
            operator=relay.operator,
            country=relay.country,
            serves=owners[relay.brand_id].name if relay.brand_id in owners else _("every brand"),
            local=relay.local,
        )
        for relay in sending.relays(session)
    ]


def _one_line(text: str) -> str:
    return text.replace("\n", ", ")
