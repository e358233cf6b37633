"""Topics: what people can say yes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from consent.forms.names import LANGUAGE_NAMES, LEAVING_NAMES, PROFILE_NAMES, in_words
from consent.forms.topics import PURPOSES, TopicForm, offered
from consent.policy.ladder import closed_upwards
from consent.policy.profiles import PROFILES, Profile, accepted, profile
from consent.queries import figures, leaving, topics
from consent.queries.topics import TopicInfo
from consent.services import topics as service

blueprint = Blueprint("topics", __name__, url_prefix="/topics")


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """List the topics with how many people permit each."""
    with unit_of_work() as session:
        rows = topics.topics(session, archived=True)
        names = {brand.id: brand for brand in brands.all_brands(session)}
        granted = figures.granted_by_topic(session)
        left = leaving.why_they_left(session, clock.now() - timedelta(days=365))
    pairs = {row.id: accepted(row.accepts, names[row.brand_id].profile) for row in rows}
    return render_template(
        "web/consent/topics.html",
        topics=rows,
        brands=names,
        granted=granted,
        pairs={topic_id: in_words(found) for topic_id, found in pairs.items()},
        purposes=PURPOSES,
        left=left,
        reasons=LEAVING_NAMES,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.MARKETER)
def new() -> ResponseReturnValue:
    """Create a topic. What suffices depends on the brand's rules, so choosing another brand shows the others."""
    with unit_of_work() as session:
        known = {brand.id: brand for brand in brands.all_brands(session)}
    if not known:
        return redirect(url_for(".index"))
    asked = request.values.get("brand_id", type=int)
    brand = known.get(asked or 0) or next(iter(known.values()))
    form = TopicForm(data={"brand_id": brand.id, "public": True, **_ticked({}, profile(brand.profile).name)})
    form.brand_id.choices = [(one.id, one.name) for one in known.values()]
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                topic_id = service.create(
                    session,
                    brand.id,
                    form.texts("name"),
                    descriptions=form.texts("description"),
                    purpose=form.purpose.data,
                    accepts=_accepts(form, profile(brand.profile).name, {}),
                    public=form.public.data,
                )
                audit.record(session, "created", "topic", topic_id, brand_id=brand.id)
            flash(_("The topic is there. Offer it on a sign-up form next."), "success")
            return redirect(url_for(".index"))
        except InvalidInput as error:
            _attach(form, error, profile(brand.profile).name)
    return _form_page(form, None, brand)


@blueprint.route("/<int:topic_id>/edit", methods=["GET", "POST"])
@allows(Role.MARKETER)
def edit(topic_id: int) -> ResponseReturnValue:
    """Change a topic."""
    with unit_of_work() as session:
        topic = topics.topic(session, topic_id)
        brand = brands.brand(session, topic.brand_id)
    form = TopicForm(data=_data(topic, profile(brand.profile).name))
    del form.brand_id
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                service.update(
                    session,
                    topic_id,
                    form.texts("name"),
                    descriptions=form.texts("description"),
                    purpose=form.purpose.data,
                    accepts=_accepts(form, profile(brand.profile).name, topic.accepts),
                    public=form.public.data,
                )
                audit.record(session, "changed", "topic", topic_id, brand_id=topic.brand_id)
            flash(_("Saved."), "success")
            return redirect(url_for(".index"))
        except InvalidInput as error:
            _attach(form, error, profile(brand.profile).name)
    return _form_page(form, topic, brand)


@blueprint.post("/<int:topic_id>/archive")
@allows(Role.MARKETER)
def archive(topic_id: int) -> ResponseReturnValue:
    """Put a topic aside, or back."""
    with unit_of_work() as session:
        topic = topics.topic(session, topic_id)
        service.archive(session, topic_id, archived=topic.archived_at is None)
        audit.record(session, "archived" if topic.archived_at is None else "reopened", "topic", topic_id)
    return redirect(url_for(".index"))


def _data(topic: TopicInfo, own: str) -> dict[str, object]:
    texts = {f"name_{code}": topic.names.get(code, "") for code in LANGUAGE_NAMES}
    texts |= {f"description_{code}": topic.descriptions.get(code, "") for code in LANGUAGE_NAMES}
    return {**texts, "purpose": topic.purpose, "public": topic.public, **_ticked(topic.accepts, own)}


def _unsaid(profile: Profile, own: str) -> frozenset[str]:
    """Return what counts under a profile while a topic holds no list for it (``policy.profiles.accepted``)."""
    return accepted({}, own) if profile.name == own else profile.possible


def _ticked(accepts: Mapping[str, Sequence[str]], own: str) -> dict[str, object]:
    """Return the boxes that are ticked, profile by profile; ``own`` is the brand's."""
    held = {name: frozenset(accepts.get(name, _unsaid(found, own))) for name, found in PROFILES.items()}
    return {f"accepts_{name}": [pair for pair in offered(PROFILES[name]) if pair in held[name]] for name in held}


def _accepts(form: TopicForm, own: str, before: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the topic's own lists: what the page showed, as far as it is not what counts anyway."""
    shown = [name for name in request.form.getlist("rules") if name in PROFILES]
    if not shown or shown[0] != own:
        form.pairs(own).data = _ticked(before, own)[f"accepts_{own}"]
        raise InvalidInput(_("This brand follows these rules: look at them once more."), field="accepts")
    if not form.pairs(own).data:
        raise InvalidInput(
            _("Choose one kind of permission at least, or nobody can ever be written to."), field="accepts"
        )
    lists = {name: list(pairs) for name, pairs in before.items() if name not in shown}
    for name in shown:
        chosen = form.pairs(name).data
        if frozenset(closed_upwards(chosen)) != _unsaid(PROFILES[name], own):
            lists[name] = list(chosen)
    return lists


def _attach(form: TopicForm, error: InvalidInput, own: str) -> None:
    field = form.pairs(own) if error.field == "accepts" else form.name_en
    field.errors = [*field.errors, str(error)]


def _form_page(form: TopicForm, topic: TopicInfo | None, brand: BrandInfo) -> ResponseReturnValue:
    own = profile(brand.profile).name
    page = render_template(
        "web/consent/topic.html",
        form=form,
        topic=topic,
        brand=brand,
        own=own,
        others=[name for name in PROFILES if name != own],
        profile_names=PROFILE_NAMES,
    )
    return page, 422 if form.errors else 200
