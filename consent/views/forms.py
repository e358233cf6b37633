"""Sign-up forms: list, create, change, and every version of their words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import clock, links
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.fields import dictionary
from consent.forms.names import LANGUAGE_NAMES
from consent.forms.sign_up import SignUpForm
from consent.policy import minors
from consent.queries import form_figures, forms, topics
from consent.queries.forms import KINDS, FormInfo
from consent.services import forms as service
from consent.services.figures import day_of
from consent.services.forms import FormSpec

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


blueprint = Blueprint("forms", __name__, url_prefix="/forms")


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """List the forms with what came of them lately."""
    with unit_of_work() as session:
        rows = forms.forms(session)
        figures = form_figures.totals(session, day_of(clock.now()) - timedelta(days=29))
        names = {brand.id: brand for brand in brands.all_brands(session)}
        named = {topic.id: topic for topic in topics.topics(session, archived=True)}
    return render_template(
        "web/consent/forms.html",
        forms=rows,
        figures=figures,
        brands=names,
        topics=named,
        addresses={row.id: links.subscribe(row.slug) for row in rows},
    )


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.MARKETER)
def new() -> ResponseReturnValue:
    """Create a form for the brand that ``?brand`` names, or for the only one."""
    with unit_of_work() as session:
        offered = brands.all_brands(session)
        brand = next((one for one in offered if one.slug == request.args.get("brand")), None)
        if brand is None and len(offered) != 1:
            return render_template("web/consent/form_brand.html", brands=offered)
        brand = brand or offered[0]
        texts = service.default_texts(brand.name)
        form = _prepared(
            session, brand, {f"{kind}_{code}": texts[kind][code] for kind in KINDS for code in LANGUAGE_NAMES}
        )
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                form_id = service.create(session, _spec(form, brand.id))
                audit.record(session, "created", "form", form_id, brand_id=brand.id)
            flash(_("The form is there. Its address can be shared now."), "success")
            return redirect(url_for(".edit", form_id=form_id))
        except InvalidInput as error:
            _attach(form, error)
    return _page(form, None, brand)


@blueprint.route("/<int:form_id>", methods=["GET", "POST"])
@allows(Role.MARKETER)
def edit(form_id: int) -> ResponseReturnValue:
    """Change a form; changed words are a new version, old proofs keep theirs."""
    with unit_of_work() as session:
        known = forms.form(session, form_id)
        brand = brands.brand(session, known.brand_id)
        form = _prepared(session, brand, _data(known))
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                service.update(session, form_id, _spec(form, brand.id))
                audit.record(session, "changed", "form", form_id, brand_id=brand.id)
            flash(_("Saved."), "success")
            return redirect(url_for(".edit", form_id=form_id))
        except InvalidInput as error:
            _attach(form, error)
    return _page(form, known, brand)


def _prepared(session: Session, brand: BrandInfo, data: dict[str, object]) -> SignUpForm:
    form = SignUpForm(data=data)
    locale = get_locale()
    language = str(locale.language) if locale else "en"
    form.topic_ids.choices = [(topic.id, topic.name(language)) for topic in topics.topics(session, brand.id)]
    core = [("first_name", _("First name")), ("last_name", _("Last name"))]
    countries = sorted((str(get_locale().territories.get(code, code)), code) for code in minors.AGES)
    asked = [(code, _("%(country)s: %(age)s", country=name, age=minors.age(code))) for name, code in countries]
    form.age_country.choices = [("", _("do not ask")), *asked]
    form.fields.choices = core + [(field.name, field.label(language)) for field in dictionary(session)]
    return form


def _data(known: FormInfo) -> dict[str, object]:
    texts = {
        f"{kind}_{code}": known.wordings[kind, code].text if (kind, code) in known.wordings else ""
        for kind in KINDS
        for code in LANGUAGE_NAMES
    }
    return {
        **texts,
        "name": known.name,
        "topic_ids": list(known.topic_ids),
        "fields": list(known.fields),
        "asks_tracking": known.asks_tracking,
        "redirect_url": known.redirect_url,
        "active": known.active,
        "disposable": known.disposable,
        "age_country": known.age_country,
        "reminds": known.reminds,
        "welcomes": known.welcomes,
    }


def _spec(form: SignUpForm, brand_id: int) -> FormSpec:
    return FormSpec(
        name=form.name.data,
        brand_id=brand_id,
        topic_ids=tuple(form.topic_ids.data),
        fields=tuple(form.fields.data),
        asks_tracking=form.asks_tracking.data,
        redirect_url=form.redirect_url.data or "",
        active=form.active.data,
        disposable=form.disposable.data,
        age_country=form.age_country.data,
        reminds=form.reminds.data,
        welcomes=form.welcomes.data,
        texts=form.texts(KINDS),
    )


def _attach(form: SignUpForm, error: InvalidInput) -> None:
    name = f"{error.field}_en" if error.field in KINDS else error.field or "name"
    field = {known.name: known for known in form}.get(name, form.name)
    field.errors = [*field.errors, str(error)]


def _page(form: SignUpForm, known: FormInfo | None, brand: BrandInfo) -> ResponseReturnValue:
    texts = []
    if known is not None:
        with unit_of_work() as session:
            texts = forms.versions(session, known.id)
    page = render_template(
        "web/consent/form.html",
        form=form,
        known=known,
        brand=brand,
        versions=texts,
        languages=LANGUAGE_NAMES,
        address=links.subscribe(known.slug) if known else "",
    )
    return page, 422 if form.errors else 200
