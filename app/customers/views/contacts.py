"""The list of contacts, and the page of one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from app.accounts import queries as accounts
from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core import clock, config
from app.core.db import unit_of_work
from app.core.errors import Conflict, InvalidInput
from app.customers.forms import CORE_TEXTS, AddressForm, contact_form, contact_values
from app.customers.policy.values import show
from app.customers.queries import contacts as queries
from app.customers.queries import external, listing, merging, notes, quality
from app.customers.queries import fields as field_queries
from app.customers.queries import origins as origin_queries
from app.customers.queries import timeline as timelines
from app.customers.queries.fields import FieldInfo
from app.customers.services import contacts, exporting
from app.customers.services.exporting import Format
from app.customers.views import origins

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")


def language() -> str:
    """Return the language of this page."""
    locale = get_locale()
    return str(locale.language) if locale else "en"


@blueprint.get("")
@allows(Role.ANALYST)
@shows_people(Look.LISTED)
def index() -> ResponseReturnValue:
    """List contacts, newest first, narrowed by what is searched."""
    chosen = {name: request.args.get(name, "") for name in listing.list_filters.names()}
    search = listing.Search(
        request.args.get("q", "").strip()[:200],
        request.args.get("tag", "").strip(),
        tuple((name, value) for name, value in chosen.items() if value),
    )
    with unit_of_work() as session:
        page = listing.page(
            session, search, before=request.args.get("before", type=int), after=request.args.get("after", type=int)
        )
        saw([contact.id for contact in page.contacts])
        count, exact = listing.count(session, search)
        tags = listing.common_tags(session)
        filters = [
            (name, offered.title, offered.choices(session, language()), chosen[name])
            for name, offered in zip(listing.list_filters.names(), listing.list_filters, strict=True)
        ]
    here = {
        "q": search.text or None,
        "tag": search.tag or None,
        **{name: value or None for name, value in chosen.items()},
    }
    return render_template(
        "web/customers/contacts.html",
        page=page,
        search=search,
        count=count,
        exact=exact,
        tags=tags if not search.tag or search.tag in tags else [search.tag, *tags],
        filters=filters,
        here=here,
        narrow=search.narrow,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.MARKETER)
def new() -> ResponseReturnValue:
    """Add a contact by hand."""
    with unit_of_work() as session:
        fields = field_queries.dictionary(session)
    form = contact_form(fields, language())
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                contact_id = contacts.create(session, form.email.data, contact_values(form), _tags(form))
                audit.record(session, "add", "contact", contact_id)
            flash(_("The contact is added. Permission to write to them is given separately."), "success")
            return redirect(url_for(".page", contact_id=contact_id))
        except (InvalidInput, Conflict) as error:
            _attach(form, error)
    return render_template(
        "web/customers/edit.html",
        form=form,
        contact=None,
        **_inputs(fields),
    ), _status(form)


@blueprint.get("/<int:contact_id>")
@allows(Role.ANALYST)
@shows_people(Look.OPENED)
def page(contact_id: int) -> ResponseReturnValue:
    """Show everything about a contact."""
    number = max(1, request.args.get("page", 1, type=int))
    with unit_of_work() as session:
        contact = queries.contact(session, contact_id)
        if contact.merged_into is not None:
            flash(_("Contact %(id)s is merged into this one.", id=contact_id), "info")
            return redirect(url_for(".page", contact_id=contact.merged_into))
        fields = field_queries.dictionary(session)
        earlier = queries.earlier_addresses(session, contact_id)
        merged = merging.folded(session, contact_id)
        twins, _more = quality.pairs(session, contact_id=contact_id)
        only = request.args.get("only", "")
        timeline = timelines.timeline(session, contact_id, page=number, only=only)
        written = notes.of_person(session, contact_id)
        refs = external.of_person(session, contact_id)
        changed = origin_queries.imported(session, contact_id)
        names = {member.id: member.name for member in accounts.staff(session)}
        panels = [
            (panel.template, panel.load(session, contact_id))
            for panel in sorted(timelines.panels, key=lambda panel: panel.order)
        ]
    facts = [(field.label(language()), show(contact.attributes.get(field.name)), field) for field in fields]
    return render_template(
        "web/customers/contact.html",
        contact=contact,
        facts=[fact for fact in facts if fact[1]],
        earlier=earlier,
        merged=merged,
        twins=twins,
        notes=written,
        refs=refs,
        names=names,
        only=only if only in timelines.titles.names() else "",
        only_titles=list(zip(timelines.titles.names(), timelines.titles, strict=True)),
        origins=origins.lines(contact, changed, fields, names, language()),
        timeline=timeline,
        panels=panels,
    )


@blueprint.route("/<int:contact_id>/edit", methods=["GET", "POST"])
@allows(Role.MARKETER)
@shows_people(Look.OPENED)
def edit(contact_id: int) -> ResponseReturnValue:
    """Change what is known about a contact."""
    with unit_of_work() as session:
        contact = queries.contact(session, contact_id)
        fields = field_queries.dictionary(session)
    form = contact_form(fields, language(), contact)
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                contacts.edit(session, contact_id, contact_values(form))
                contacts.set_tags(session, contact_id, _tags(form))
                audit.record(session, "edit", "contact", contact_id)
            return redirect(url_for(".page", contact_id=contact_id))
        except (InvalidInput, Conflict) as error:
            _attach(form, error)
    return render_template(
        "web/customers/edit.html",
        form=form,
        contact=contact,
        **_inputs(fields),
    ), _status(form)


@blueprint.route("/<int:contact_id>/address", methods=["GET", "POST"])
@allows(Role.MARKETER)
@shows_people(Look.OPENED)
def address(contact_id: int) -> ResponseReturnValue:
    """Give a contact another address."""
    with unit_of_work() as session:
        contact = queries.contact(session, contact_id)
    form = AddressForm(data={"email": contact.email})
    if form.validate_on_submit():
        try:
            with unit_of_work() as session:
                contacts.change_address(session, contact_id, form.email.data)
                audit.record(session, "change address", "contact", contact_id)
            flash(_("The address is changed."), "success")
            return redirect(url_for(".page", contact_id=contact_id))
        except (InvalidInput, Conflict) as error:
            _attach(form, error)
    return render_template("web/customers/address.html", form=form, contact=contact), _status(form)


@blueprint.get("/export.<form>")
@allows(Role.ANALYST)
@shows_people(Look.EXPORTED)
def export(form: str) -> ResponseReturnValue:
    """Download all contacts."""
    if form not in list(Format):
        raise InvalidInput(_("Contacts are exported as csv, xlsx or jsonl."))
    folder = config.current().var / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    # Into a file first: no transaction waits for somebody's slow line. It has no name, so it goes with the response.
    file = cast(BinaryIO, tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - the response closes it
    with unit_of_work() as session:
        for piece in exporting.export(session, Format(form)):
            file.write(piece)
    saw(subject="base")
    size = file.tell()
    file.seek(0)
    kind = {
        Format.CSV: "text/csv; charset=utf-8",
        Format.JSON_LINES: "application/jsonl",
        Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }[Format(form)]
    name = f"contacts-{clock.now():%Y-%m-%d}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return Response(_pieces(file), mimetype=kind, headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 16):
            yield piece


def _attach(form: object, error: InvalidInput | Conflict) -> None:
    """Put an error beside the field it belongs to, else beside the first."""
    field = getattr(error, "field", None) or "email"
    fields = {f.name: f for f in form}  # type: ignore[attr-defined]
    target = fields.get(field) or fields.get(f"f_{field}") or next(iter(fields.values()))
    target.errors = [*target.errors, str(error)]


def _tags(form: FlaskForm) -> list[str]:
    return str(form.tags.data or "").split(",")


def _inputs(fields: list[FieldInfo]) -> dict[str, object]:
    """What the page of the form needs to know of its inputs."""
    return {
        "core": CORE_TEXTS,
        "custom_names": [f"f_{field.name}" for field in fields],
        "time_zones": clock.time_zones(),
    }


def _status(form: object) -> int:
    return 422 if form.errors else 200  # type: ignore[attr-defined]
