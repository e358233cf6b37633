"""A campaign described by names, as ``flask campaigns create`` reads it (``docs/reference/campaigns.md``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.brands.queries import brands, sending
from app.core.errors import InvalidInput, NotFound
from app.mail.templates import starters
from campaigns.policy import CampaignKind, Waves
from campaigns.queries import segments
from campaigns.services import campaigns as service
from campaigns.services import segments as segment_service
from campaigns.services.campaigns import Basics, ContentText
from consent.queries import topics


@dataclass(frozen=True)
class SegmentSpec:
    """A segment by name; with a ``definition`` it is made when it is not there yet."""

    name: str
    definition: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CampaignSpec:
    """A campaign by names: ``brand`` and ``topic`` are slugs, ``sender`` an address (blank: the brand's first one),
    ``content`` maps a language to what is said in it."""

    name: str
    brand: str
    topic: str
    sender: str = ""
    objective: str = ""
    include: tuple[SegmentSpec, ...] = ()
    exclude: tuple[SegmentSpec, ...] = ()
    content: Mapping[str, ContentText] = field(default_factory=dict)
    kind: CampaignKind = CampaignKind.MAILING
    waves: Waves | None = None


def create(session: Session, spec: CampaignSpec) -> int:
    """Make a whole draft and return its id; nothing is kept when any part of it is wrong.

    Raises ``InvalidInput`` (``SegmentError`` for a condition), ``NotFound`` or ``Conflict`` that says which part.
    """
    brand = brands.by_slug(session, spec.brand)
    campaign_id = service.draft(
        session,
        Basics(
            spec.name,
            brand.id,
            topics.by_slug(session, spec.topic).id,
            _sender(session, brand.id, spec.sender),
            spec.objective,
            spec.kind,
        ),
    )
    if spec.waves is not None:
        service.set_waves(session, campaign_id, spec.waves)
    include, exclude = (_segments(session, given) for given in (spec.include, spec.exclude))
    service.set_audience(session, campaign_id, include, exclude)
    for language, content in spec.content.items():
        service.set_content(session, campaign_id, language, content)
    return campaign_id


def _sender(session: Session, brand_id: int, email: str) -> int:
    offered = sending.senders(session, brand_id)
    for sender in offered:
        if not email or sender.email.lower() == email.strip().lower():
            return sender.id
    known = ", ".join(sender.email for sender in offered) or _("none yet")
    raise NotFound(_("The brand has no sender %(email)s. Senders: %(known)s.", email=email, known=known))


def _segments(session: Session, given: Iterable[SegmentSpec]) -> list[int]:
    found = []
    for segment in given:
        if segment.definition is not None:
            found.append(segment_service.find_or_create(session, segment.name, segment.definition))
        elif known := segments.by_names(session, [segment.name]).get(segment.name):
            found.append(known.id)
        else:
            raise NotFound(_("No segment is called “%(name)s”.", name=segment.name))
    return found


# Reading JSON


def read(data: object) -> CampaignSpec:
    """Return the campaign that JSON describes. Raises ``InvalidInput`` naming the key that is wrong."""
    given = _object(data, "$", {field.name for field in fields(CampaignSpec)})
    kind = _kind(given)
    return CampaignSpec(
        name=_text(given, "name", "$"),
        brand=_text(given, "brand", "$"),
        topic=_text(given, "topic", "$"),
        sender=_text(given, "sender", "$", needed=False),
        objective=_text(given, "objective", "$", needed=False),
        include=_segment_specs(given, "include"),
        exclude=_segment_specs(given, "exclude"),
        content={
            language: _content(content, language, kind)
            for language, content in _object(given.get("content", {}), "content", None).items()
        },
        kind=kind,
        waves=_waves(given),
    )


def _kind(given: Mapping[str, object]) -> CampaignKind:
    known = [kind.value for kind in CampaignKind]
    if given.get("kind", known[0]) not in known:
        raise InvalidInput(_("%(where)s must be one of %(known)s.", where="kind", known=", ".join(known)))
    return CampaignKind(str(given.get("kind", known[0])))


def _waves(given: Mapping[str, object]) -> Waves | None:
    if "waves" not in given:
        return None
    standard = asdict(Waves())
    stated = _object(given["waves"], "waves", set(standard))
    for key, value in stated.items():
        whole = key in ("per_day", "answer_days", "min_sample", "ends_within_days", "quiet_months")
        optional = key in ("ends_within_days", "quiet_months")
        kinds: tuple[type, ...] = (bool,) if isinstance(standard[key], bool) else (int,) if whole else (int, float)
        if not (value is None and optional) and type(value) not in kinds:
            raise InvalidInput(_("%(where)s has a value that does not fit.", where=f"waves.{key}"))
    return Waves(**(standard | stated))


def _segment_specs(given: Mapping[str, object], key: str) -> tuple[SegmentSpec, ...]:
    members = given.get(key, [])
    if not isinstance(members, list):
        raise InvalidInput(_("%(where)s must be a list of segments.", where=key))
    specs = []
    for index, member in enumerate(members):
        where = f"{key}[{index}]"
        if isinstance(member, str):
            specs.append(SegmentSpec(member))
        else:
            inline = _object(member, where, {"name", "definition"})
            definition = _object(inline.get("definition"), f"{where}.definition", None)
            specs.append(SegmentSpec(_text(inline, "name", where), definition))
    return tuple(specs)


def _content(data: object, language: str, kind: CampaignKind) -> ContentText:
    where = f"content.{language}"
    given = _object(data, where, {"subject", "preheader", "mjml", "starter"})
    if ("mjml" in given) == ("starter" in given):
        raise InvalidInput(_("%(where)s needs “mjml” or “starter”, and not both.", where=where))
    mjml = _text(given, "mjml", where) if "mjml" in given else _starter(_text(given, "starter", where), language, kind)
    return ContentText(_text(given, "subject", where), _text(given, "preheader", where, needed=False), mjml)


def _starter(slug: str, language: str, kind: CampaignKind) -> str:
    asking = kind is CampaignKind.REPERMISSION
    offered = {starter.slug: starter.mjml for starter in starters(language, asking=asking)}
    if slug not in offered:
        raise InvalidInput(
            _("No starter design is called “%(slug)s”. Designs: %(known)s.", slug=slug, known=", ".join(offered))
        )
    return offered[slug]


def _object(data: object, where: str, allowed: set[str] | None) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InvalidInput(_("%(where)s must be an object.", where=where))
    if allowed is not None and (unknown := sorted(set(data) - allowed)):
        raise InvalidInput(
            _(
                "%(where)s has a key “%(key)s” that is not known. Known: %(known)s.",
                where=where,
                key=unknown[0],
                known=", ".join(sorted(allowed)),
            )
        )
    return data


def _text(given: Mapping[str, object], key: str, where: str, *, needed: bool = True) -> str:
    value = given.get(key, None if needed else "")
    if not isinstance(value, str) or (needed and not value.strip()):
        raise InvalidInput(_("%(where)s needs a text as “%(key)s”.", where=where, key=key))
    return value
