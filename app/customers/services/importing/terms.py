"""On which permission an import stands, and the registries through which consent takes part in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core.errors import InvalidInput
from app.core.registries import Registry


@dataclass(frozen=True)
class PermissionTerms:
    """What the importer states about the permission of everybody in the file.

    ``level`` and ``basis`` are of the ladder; ``source`` says where the people come from, ``evidence`` where
    the proof is kept; ``at`` is when the import was started; ``language`` that of the statement; ``conditions`` says
    by name what the basis asks for. With ``dated`` the people's table tells, where it is known, since when (``at``)
    and from which address (``ip``) each of them agreed.
    """

    batch_id: int
    topic_id: int
    level: str
    basis: str
    source: str
    evidence: str
    at: datetime
    language: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    dated: bool = False


@dataclass(frozen=True)
class Departures:
    """On what it stands that people left elsewhere: the import, its topic (None when it states none: then they left
    everything), where the file comes from, when the import was started."""

    batch_id: int
    topic_id: int | None
    source: str
    at: datetime
    language: str


@dataclass(frozen=True)
class SinkResult:
    """How many people got the permission (who had it already included), and how many were refused, by reason."""

    permitted: int
    refused: dict[str, int] = field(default_factory=dict)


class ImportSink(Protocol):
    """Records the terms for ``people``: a temporary table (contact_id bigint, address_key bytea), each contact once,
    in the session's transaction. It can never lift a withdrawal, an objection or a suppression."""

    def __call__(self, session: Session, terms: PermissionTerms, people: str) -> SinkResult: ...


sinks: Registry[ImportSink] = Registry("import sinks")

# (session, departures, people) -> nothing. Records that ``people`` may not be written to: a temporary table (contact_id
# bigint, address_key bytea, standing text, at timestamptz), in which ``standing`` is one of ``policy.states.Standing``
# and ``at``, where it is known, since when.
Leaver = Callable[[Session, Departures, str], None]
leavers: Registry[Leaver] = Registry("what imports say of those who left")

# (session, people) -> keys of addresses that must not come back into the base (erased at the person's request).
# ``people`` is a temporary table with a column ``address_key``.
Barrier = Callable[[Session, str], set[bytes]]
barriers: Registry[Barrier] = Registry("import barriers")


@dataclass(frozen=True)
class Condition:
    """Something a legal basis asks for. ``label`` and ``example`` may be lazy translations; ``kind`` is that of the
    input field, text or date."""

    name: str
    label: object
    example: object
    kind: str = "text"


@dataclass(frozen=True)
class BasisTerms:
    """What a legal basis asks for; ``check`` raises ``InvalidInput`` when it is not all among what is stated."""

    conditions: tuple[Condition, ...]
    check: Callable[[Mapping[str, str]], None]


bases: Registry[BasisTerms] = Registry("legal bases")  # by name; consent fills it


def conditions_of(basis: str) -> tuple[Condition, ...]:
    """Return what a legal basis asks for; nothing for one that is blank or not known."""
    found = bases.get(basis)
    return found.conditions if found else ()


def split_evidence(texts: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return what is free text in pieces of evidence, and the conditions stated among them as ``name=text``."""
    known = {condition.name for terms in bases for condition in terms.conditions}
    free, stated = [], {}
    for piece in texts:
        name, equals, said = piece.partition("=")
        if equals and name.strip() in known:
            stated[name.strip()] = said.strip()
        elif piece.strip():
            free.append(piece.strip())
    return "; ".join(free), stated


@dataclass(frozen=True)
class TopicChoice:
    """A topic that an import can give permission for."""

    id: int
    slug: str
    name: str
    brand: str


# (session, language) -> topics; consent fills it
topic_choices: Registry[Callable[[Session, str], list[TopicChoice]]] = Registry("topics for imports")


def topics(session: Session, language: str = "en") -> list[TopicChoice]:
    """Return the topics that an import can give permission for."""
    return [topic for choices in topic_choices for topic in choices(session, language)]


def topic_by_slug(session: Session, slug: str) -> TopicChoice:
    """Return the topic called ``slug``. Raises ``InvalidInput`` naming those that exist."""
    known = {topic.slug: topic for topic in topics(session)}
    if slug not in known:
        raise InvalidInput(
            _("There is no topic called %(slug)s. Topics: %(all)s.", slug=slug, all=", ".join(known) or "–"),
            field="topic",
        )
    return known[slug]
