"""A sign-up form with all that it shows, for the hosted page and for forms on other sites."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import request
from flask_babel import get_locale
from werkzeug.datastructures import MultiDict

from app.accounts.policy import LANGUAGES
from app.accounts.views import language
from app.accounts.views.guard import find_user
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo, ControllerInfo
from app.core import clock, links, tokens
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, InvalidToken
from app.customers.policy.values import parse, single_line
from app.customers.queries.fields import FieldInfo, dictionary
from consent.engine import seen
from consent.policy import challenge, minors, notice, sources
from consent.policy.agents import is_robot
from consent.policy.bombing import SHOWN
from consent.queries import forms, topics
from consent.queries.forms import FormInfo
from consent.queries.topics import TopicInfo
from consent.services.forms import CORE_FIELDS

HONEYPOT = "homepage"


@dataclass(frozen=True)
class Shown:
    """What the token in a form tells: when we showed it, which words it held, and where the visitor had come from."""

    token: str
    since: timedelta
    words: str
    source: str
    referrer: str


class FormPage:
    """A form with its brand, controller, topics and fields, in the visitor's language.

    ``typed`` is what was sent in, empty when the form is only shown.
    """

    def __init__(self, slug: str, typed: MultiDict[str, str] | None = None) -> None:
        self.typed: MultiDict[str, str] = MultiDict() if typed is None else typed
        with unit_of_work() as session:
            self.form: FormInfo = forms.by_slug(session, slug)
            self.brand: BrandInfo = brands.brand(session, self.form.brand_id)
            self.controller: ControllerInfo | None = brands.controller(session)
            offered = {topic.id: topic for topic in topics.topics(session, self.form.brand_id)}
            declared: dict[str, FieldInfo] = {field.name: field for field in dictionary(session)}
            lately = forms.lately(session, self.form.id, clock.now() - challenge.SPAN)
        self.work = challenge.BITS if challenge.flooded(*lately) else 0  # bits of work that a request must carry
        self.topics: list[TopicInfo] = [offered[key] for key in self.form.topic_ids if key in offered]
        self.declared = {name: declared[name] for name in self.form.fields if name in declared}
        self.language = self._language()

    def _language(self) -> str:
        """Settle the language: the one that was asked for or sent along, the browser's, else the brand's."""
        if (sent := self.typed.get("language", "")) in LANGUAGES:
            language.use(sent)
        elif not request.args.get("lang") and not request.accept_languages:
            language.use(self.brand.language)
        locale = get_locale()
        return str(locale.language) if locale else "en"

    @property
    def age(self) -> int | None:
        """The age of consent that this form asks about, or None."""
        return minors.age(self.form.age_country) if self.form.age_country else None

    @property
    def notice(self) -> str:
        """Who asks, what for, how long, and which rights (GDPR 13), as it is shown."""
        who = self.controller
        facts = notice.Facts(
            controller=who.legal_name if who else self.brand.name,
            brand=self.brand.name,
            purposes=notice.purposes((topic.purpose for topic in self.topics), self.language),
            contact=who.contact_email if who else "",
            address=who.postal_address if who else self.brand.postal_address,
            privacy_url=who.privacy_url if who else "",
        )
        return notice.fill(self.form.text("notice", self.language), facts, self.language)

    @property
    def notice_parts(self) -> list[list[dict[str, str]]]:
        """The notice by paragraphs, with its links."""
        return notice.parts(self.notice)

    @property
    def words(self) -> str:
        """A digest of all that people agree to here, by which a change between showing and sending is noticed."""
        texts = [self.form.text(kind, self.language) for kind in ("consent", "tracking")]
        return hashlib.sha256("\0".join([self.language, *texts, self.notice]).encode()).hexdigest()[:16]

    def token(self) -> str:
        """Return the token of a form that is shown now."""
        source, referrer = came_from()
        payload = {"f": self.form.id, "t": clock.now().timestamp(), "w": self.words, "s": source, "r": referrer}
        return tokens.sign_timed(tokens.Purpose.FORM, payload)

    def shown(self) -> Shown | None:
        """Return what the token that was sent in tells, or None when this form was not shown by us lately."""
        token = self.typed.get("form_token", "")
        try:
            told = tokens.read_timed(tokens.Purpose.FORM, token, max_age=int(SHOWN.total_seconds()))
        except InvalidToken:
            return None
        if told.get("f") != self.form.id:
            return None
        since = timedelta(seconds=clock.now().timestamp() - float(told["t"]))
        return Shown(token, since, str(told.get("w", "")), str(told.get("s", "")), str(told.get("r", "")))

    def count(self) -> None:
        """Count that a person sees the form now: not a robot that says so, not staff, not a page fetched in advance."""
        ahead = "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
        if request.method != "HEAD" and not ahead and not is_robot(request.user_agent.string) and find_user() is None:
            seen.note(self.form.id, sources.label(*came_from()))

    def chosen(self) -> tuple[int, ...]:
        """Return the topics that were chosen; a form with a single topic needs no box for it."""
        offered = [topic.id for topic in self.topics]
        if len(offered) == 1:
            return tuple(offered)
        return tuple(key for key in self.typed.getlist("topic", type=int) if key in offered)

    def fields(self) -> Mapping[str, str]:
        """Return the further fields, checked. Raises ``InvalidInput`` naming the field."""
        given: dict[str, str] = {}
        for name in self.form.fields:
            text = self.typed.get(name, "").strip()[:500]
            try:
                if name in CORE_FIELDS:
                    text = single_line(text)
                elif name in self.declared and text:
                    parse(self.declared[name].kind, text, self.declared[name].choices)
            except InvalidInput as error:
                raise InvalidInput(str(error), field=name) from None
            if text:
                given[name] = text
        return given


def came_from() -> tuple[str, str]:
    """Return the word that ``?source=`` holds and the site that led here."""
    own = urlsplit(links.public("/")).hostname or ""
    return sources.clean(request.args.get("source", "")), sources.host(request.referrer or "", own)
