"""Creating and changing sign-up forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import InvalidInput, NotFound
from app.customers.queries.fields import dictionary
from consent.models import Form
from consent.policy import notice
from consent.policy.sources import is_page
from consent.queries.forms import KINDS
from consent.queries.topics import topics
from consent.services import wordings

LANGUAGES = ("en", "fr")
CORE_FIELDS = ("first_name", "last_name")
# What a new form says until somebody writes better words; {brand} is replaced once, when the form is made.
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "title": {"en": "News from {brand}", "fr": "Les nouvelles de {brand}"},
    "intro": {
        "en": "Leave your e-mail address. We will send you a message with a button to confirm.",
        "fr": "Laissez votre adresse e-mail. Nous vous enverrons un message avec un bouton pour confirmer.",
    },
    "consent": {
        "en": "I would like to receive e-mails from {brand} about what I chose here. "
        "I can unsubscribe at any time with the link in every e-mail.",
        "fr": "Je souhaite recevoir des e-mails de {brand} sur ce que j’ai choisi ici. "
        "Je peux me désinscrire à tout moment par le lien présent dans chaque e-mail.",
    },
    "tracking": {
        "en": "{brand} may also measure whether I open these e-mails and what I click in them. "
        "I can refuse this and still receive the e-mails.",
        "fr": "{brand} peut aussi mesurer si j’ouvre ces e-mails et sur quoi je clique. "
        "Je peux refuser et recevoir quand même les e-mails.",
    },
}


@dataclass(frozen=True)
class FormSpec:
    """What staff say about a form. ``texts`` maps a kind (``queries.forms.KINDS``) to texts by language."""

    name: str
    brand_id: int
    topic_ids: tuple[int, ...]
    fields: tuple[str, ...] = ()
    asks_tracking: bool = True
    redirect_url: str = ""
    active: bool = True
    disposable: str = "allow"
    age_country: str = ""
    reminds: bool = False
    welcomes: bool = False
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def default_texts(brand_name: str) -> dict[str, dict[str, str]]:
    """Return the words a new form begins with."""
    filled = {
        kind: {language: text.format(brand=brand_name) for language, text in texts.items()}
        for kind, texts in DEFAULTS.items()
    }
    empty = {kind: dict.fromkeys(LANGUAGES, "") for kind in KINDS}
    return empty | filled | {"notice": dict(notice.DEFAULT)}


def create(session: Session, spec: FormSpec, *, slug: str = "") -> int:
    """Create a form and return its id. Raises ``InvalidInput`` naming the field."""
    row = Form(slug=_free_slug(session, slug or spec.name), brand_id=spec.brand_id)
    _fill(session, row, spec)
    session.add(row)
    session.flush()
    _keep_texts(session, row.id, spec)
    return row.id


def update(session: Session, form_id: int, spec: FormSpec) -> None:
    """Change a form; its address and brand stay. Raises ``NotFound`` or ``InvalidInput``."""
    row = session.get(Form, form_id)
    if row is None:
        raise NotFound(f"There is no form with the number {form_id}.")
    _fill(session, row, spec)
    session.flush()
    _keep_texts(session, form_id, spec)


def _fill(session: Session, row: Form, spec: FormSpec) -> None:
    if not spec.name.strip():
        raise InvalidInput(_("Give the form a name, which only you and your colleagues see."), field="name")
    offered = {topic.id for topic in topics(session, row.brand_id)}
    chosen = [topic_id for topic_id in dict.fromkeys(spec.topic_ids) if topic_id in offered]
    if not chosen:
        raise InvalidInput(_("Choose one topic of this brand at least."), field="topic_ids")
    known = {*CORE_FIELDS, *(entry.name for entry in dictionary(session))}
    unknown = [name for name in spec.fields if name not in known]
    if unknown:
        raise InvalidInput(_("No field is called %(name)s.", name=unknown[0]), field="fields")
    if spec.redirect_url.strip() and not is_page(spec.redirect_url.strip()):
        raise InvalidInput(
            _("The page after sign-up must be a whole address that begins with https://."), field="redirect_url"
        )
    row.name = spec.name.strip()
    row.topic_ids, row.fields = chosen, list(dict.fromkeys(spec.fields))
    row.asks_tracking, row.redirect_url, row.active = spec.asks_tracking, spec.redirect_url.strip(), spec.active
    row.disposable, row.age_country = spec.disposable, spec.age_country
    row.reminds, row.welcomes = spec.reminds, spec.welcomes


def _keep_texts(session: Session, form_id: int, spec: FormSpec) -> None:
    required = ("title", "consent", *(("tracking",) if spec.asks_tracking else ()))
    greeting = ("welcome_subject", "welcome_text") if spec.welcomes else ()
    for kind in KINDS:
        texts = {language: text.strip() for language, text in spec.texts.get(kind, {}).items() if text.strip()}
        if kind in required and not texts:
            raise InvalidInput(_("People must be able to read what they agree to: fill in this text."), field=kind)
        if kind in greeting and not texts:
            raise InvalidInput(_("The welcome mail needs a subject and a text."), field=kind)
        for text in texts.values() if kind == "notice" else ():
            notice.check(text)
        for language, text in texts.items():
            wordings.ensure(session, form_id, kind, language, text)


def _free_slug(session: Session, wish: str) -> str:
    plain = unicodedata.normalize("NFKD", wish).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "form"
    taken = set(session.scalars(select(Form.slug).where(Form.slug.startswith(slug))))
    candidates = (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
