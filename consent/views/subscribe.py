"""The hosted sign-up form. Its answer is the same for every address."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.views import language
from app.accounts.views.guard import csrf, public
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo, ControllerInfo
from app.core import clock, links, tokens
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, InvalidToken
from app.core.jobs import enqueue
from app.customers.policy import normalise
from app.customers.policy.values import parse, single_line
from app.customers.queries.fields import FieldInfo, dictionary
from consent.policy.bombing import SHOWN, by_hand
from consent.queries import forms, topics
from consent.queries.forms import FormInfo
from consent.queries.topics import TopicInfo
from consent.services import sign_up
from consent.services.forms import CORE_FIELDS
from consent.tasks.confirmation import answer_sign_up
from consent.views.visits import refuse_cross_site, visit

blueprint = Blueprint("subscribe", __name__)
HONEYPOT = "homepage"


class Page:
    """A form with all that its page shows."""

    def __init__(self, slug: str) -> None:
        with unit_of_work() as session:
            self.form: FormInfo = forms.by_slug(session, slug)
            self.brand: BrandInfo = brands.brand(session, self.form.brand_id)
            self.controller: ControllerInfo | None = brands.controller(session)
            offered = {topic.id: topic for topic in topics.topics(session, self.form.brand_id)}
            self.topics: list[TopicInfo] = [offered[key] for key in self.form.topic_ids if key in offered]
            declared: dict[str, FieldInfo] = {field.name: field for field in dictionary(session)}
        self.declared = {name: declared[name] for name in self.form.fields if name in declared}
        if not request.args.get("lang") and not request.accept_languages:
            language.use(self.brand.language)

    def show(self, errors: dict[str, str] | None = None) -> str:
        """Return the page, with what was typed before when there are ``errors`` by field."""
        if self.form.redirect_url:
            # Browsers ask the policy of the form's page about redirects, too (app.web.security reads this).
            g.form_target = _site(self.form.redirect_url)
        token = tokens.sign_timed(tokens.Purpose.FORM, {"f": self.form.id, "t": clock.now().timestamp()})
        return render_template(
            "web/consent/subscribe.html",
            page=self,
            brand=self.brand,
            token=token,
            errors=errors or {},
            honeypot=HONEYPOT,
        )

    def chosen(self) -> tuple[int, ...]:
        """Return the topics that were chosen; a form with a single topic needs no box for it."""
        offered = [topic.id for topic in self.topics]
        if len(offered) == 1:
            return tuple(offered)
        return tuple(key for key in request.form.getlist("topic", type=int) if key in offered)

    def fields(self) -> dict[str, str]:
        """Return the further fields, checked. Raises ``InvalidInput`` naming the field."""
        given: dict[str, str] = {}
        for name in self.form.fields:
            text = request.form.get(name, "").strip()[:500]
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


@blueprint.get("/subscribe/<slug>")
@public
def form(slug: str) -> ResponseReturnValue:
    """Show the form."""
    return Page(slug).show()


@blueprint.post("/subscribe/<slug>")
@public
def send(slug: str) -> ResponseReturnValue:
    """Take a request: write it down, let a job decide about the mail, and say the same to everybody."""
    refuse_cross_site()
    page = Page(slug)
    since_shown = _since_shown(page.form.id)
    trapped = bool(request.form.get(HONEYPOT))
    if not trapped and not by_hand(since_shown, ""):
        return page.show({"form": _("Please look at the form once more and send it again.")}), 422
    try:
        address = normalise(request.form.get("email", "")[:320])
        given = page.fields()
    except InvalidInput as error:
        return page.show({error.field or "form": str(error)}), 422
    chosen = page.chosen()
    if not chosen:
        return page.show({"topic": _("Choose what you would like to receive.")}), 422
    if not trapped:
        came = visit()
        asked = sign_up.Request(
            form=page.form,
            address=address,
            topic_ids=chosen,
            tracking=page.form.asks_tracking and request.form.get("tracking") == "yes",
            language=request.form.get("language", "") if request.form.get("language") in ("en", "fr") else "en",
            ip=came.ip,
            user_agent=came.user_agent,
            page=links.public(request.full_path.rstrip("?")),
            fields=given,
        )
        with unit_of_work() as session:
            sign_up_id = sign_up.request(session, asked)
            if sign_up_id is not None:
                enqueue(session, answer_sign_up, sign_up_id)
    if page.form.redirect_url:
        return redirect(page.form.redirect_url, 303)
    return render_template("web/consent/subscribed.html", brand=page.brand)


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if re.fullmatch(r"[\w.:@-]+", parts.netloc) else ""


def _since_shown(form_id: int) -> timedelta | None:
    try:
        shown = tokens.read_timed(
            tokens.Purpose.FORM, request.form.get("form_token", ""), max_age=int(SHOWN.total_seconds())
        )
    except InvalidToken:
        return None
    if shown.get("f") != form_id:
        return None
    return timedelta(seconds=clock.now().timestamp() - float(shown["t"]))


# No cookie, so no token in the form; views.visits says what stands in its place.
csrf.exempt(send)
