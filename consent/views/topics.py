"""Topics: what people can say yes to."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.brands.queries import brands
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from consent.forms.names import BASIS_NAMES, LANGUAGE_NAMES, LEVEL_NAMES
from consent.forms.topics import PURPOSES, TopicForm
from consent.policy.ladder import closed_upwards, parse_pair
from consent.policy.profiles import EUROPE, accepted
from consent.queries import figures, topics
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
    pairs = {row.id: accepted(row.accepts, names[row.brand_id].profile) for row in rows}
    return render_template(
        "web/consent/topics.html",
        topics=rows,
        brands=names,
        granted=granted,
        pairs={topic_id: shortest(found) for topic_id, found in pairs.items()},
        purposes=PURPOSES,
    )


def shortest(pairs: frozenset[str]) -> list[str]:
    """Return the least that suffices, basis by basis, in words."""
    least: dict[str, str] = {}
    for text in sorted(pairs, key=lambda pair: parse_pair(pair)[1].rung):
        basis, level = parse_pair(text)
        least.setdefault(basis.value, level.value)
    return [f"{BASIS_NAMES[basis]} · {LEVEL_NAMES[level]}" for basis, level in least.items()]


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.MARKETER)
def new() -> ResponseReturnValue:
    """Create a topic."""
    with unit_of_work() as session:
        offered = brands.all_brands(session)
    form = TopicForm()
    form.brand_id.choices = [(brand.id, brand.name) for brand in offered]
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                topic_id = service.create(
                    session,
                    form.brand_id.data,
                    form.texts("name"),
                    descriptions=form.texts("description"),
                    purpose=form.purpose.data,
                    accepts=_accepts(form),
                    public=form.public.data,
                )
                audit.record(session, "created", "topic", topic_id, brand_id=form.brand_id.data)
            flash(_("The topic is there. Offer it on a sign-up form next."), "success")
            return redirect(url_for(".index"))
        except InvalidInput as error:
            _attach(form, error)
    return _form_page(form, None)


@blueprint.route("/<int:topic_id>/edit", methods=["GET", "POST"])
@allows(Role.MARKETER)
def edit(topic_id: int) -> ResponseReturnValue:
    """Change a topic."""
    with unit_of_work() as session:
        topic = topics.topic(session, topic_id)
    form = TopicForm(data=_data(topic))
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
                    accepts=_accepts(form),
                    public=form.public.data,
                )
                audit.record(session, "changed", "topic", topic_id, brand_id=topic.brand_id)
            flash(_("Saved."), "success")
            return redirect(url_for(".index"))
        except InvalidInput as error:
            _attach(form, error)
    return _form_page(form, topic)


@blueprint.post("/<int:topic_id>/archive")
@allows(Role.MARKETER)
def archive(topic_id: int) -> ResponseReturnValue:
    """Put a topic aside, or back."""
    with unit_of_work() as session:
        topic = topics.topic(session, topic_id)
        service.archive(session, topic_id, archived=topic.archived_at is None)
        audit.record(session, "archived" if topic.archived_at is None else "reopened", "topic", topic_id)
    return redirect(url_for(".index"))


def _data(topic: TopicInfo) -> dict[str, object]:
    floors = {EUROPE.defaults[0], EUROPE.defaults[1], *EUROPE.choices}
    held = accepted(topic.accepts, EUROPE.name)
    texts = {f"name_{code}": topic.names.get(code, "") for code in LANGUAGE_NAMES}
    texts |= {f"description_{code}": topic.descriptions.get(code, "") for code in LANGUAGE_NAMES}
    return {**texts, "purpose": topic.purpose, "public": topic.public, "accepts": sorted(held & floors)}


def _accepts(form: TopicForm) -> dict[str, list[str]]:
    """Return what the topic accepts; nothing of its own when that is what the profile says anyway."""
    chosen = closed_upwards(form.accepts.data)
    if not chosen:
        raise InvalidInput(
            _("Choose one kind of permission at least, or nobody can ever be written to."), field="accepts"
        )
    return {} if frozenset(chosen) == accepted({}, EUROPE.name) else {EUROPE.name: list(form.accepts.data)}


def _attach(form: TopicForm, error: InvalidInput) -> None:
    field = form.accepts if error.field == "accepts" else form.name_en
    field.errors = [*field.errors, str(error)]


def _form_page(form: TopicForm, topic: TopicInfo | None) -> ResponseReturnValue:
    return render_template("web/consent/topic.html", form=form, topic=topic), 422 if form.errors else 200
