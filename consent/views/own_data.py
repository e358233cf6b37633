"""Behind a fresh link: details and address, all that is held and why, mails received, downloads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.services import audit
from app.accounts.views import language
from app.accounts.views.guard import csrf, public
from app.brands.queries import brands
from app.core import clock, links, tokens
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, InvalidToken
from app.core.jobs import enqueue
from app.core.tokens import Purpose
from app.customers.policy.origins import Origin
from app.customers.queries.fields import dictionary
from app.customers.services import contacts
from consent.forms import held as words
from consent.forms.details import Details
from consent.queries import proof, topics
from consent.services import address
from consent.services.access import Holder
from consent.tasks.access import ask_new_address, tell_former_address
from consent.views.access import behind_link, blueprint, holder, late
from consent.views.visits import refuse_cross_site, visit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}


@blueprint.get("/access/<token>/details")
@public
@behind_link
def details(token: str) -> ResponseReturnValue:
    """Show name, language and the fields that are open to the person."""
    with unit_of_work() as session:
        found = holder(session, token)
        form = Details(dictionary(session), found.contact, _language())
    return render_template(
        "web/consent/access_details.html",
        brand=found.brand,
        token=token,
        form=form,
        errors={},
        saved=bool(request.args.get("saved")),
    )


@blueprint.post("/access/<token>/details")
@public
@behind_link
def save_details(token: str) -> ResponseReturnValue:
    """Write what was changed, against what the page had shown, so that an old tab takes nothing back."""
    refuse_cross_site()
    with unit_of_work() as session:
        found = holder(session, token)
        form = Details(dictionary(session), found.contact, _language())
    form.read(request.form)
    try:
        with unit_of_work() as session:
            if changed := form.changed():
                contacts.edit(session, found.contact.id, changed, by=(Origin.PERSON, None))
                detail = {"by": "the person", "fields": sorted(changed)}
                audit.record(session, "edit", "contact", found.contact.id, detail=detail)
    except InvalidInput as error:
        page = render_template(
            "web/consent/access_details.html",
            brand=found.brand,
            token=token,
            form=form,
            errors={error.field or "": str(error)},
            saved=False,
        )
        return page, 422
    return redirect(url_for(".details", token=token, saved=1), 303)


@blueprint.get("/access/<token>/address")
@public
@behind_link
def new_address(token: str) -> ResponseReturnValue:
    """Ask for the new address."""
    with unit_of_work() as session:
        return _address_page(token, holder(session, token))


@blueprint.post("/access/<token>/address")
@public
@behind_link
def ask_address(token: str) -> ResponseReturnValue:
    """Write the wanted change down; a job asks in the new mailbox. The answer is the same for every address."""
    refuse_cross_site()
    try:
        with unit_of_work() as session:
            found = holder(session, token)
            wanted = request.form.get("email", "")[:320]
            change_id = address.request(session, found.contact, found.brand.id, wanted, _language())
            if change_id is not None:
                enqueue(session, ask_new_address, change_id)
    except InvalidInput as error:
        return _address_page(token, found, str(error)), 422
    return render_template("web/consent/address_sent.html", brand=found.brand, token=token, email=wanted.strip())


@blueprint.get("/address/<token>")
@public
def ask_confirmation(token: str) -> ResponseReturnValue:
    """Show, in the new mailbox, what would follow to it."""
    try:
        with unit_of_work() as session:
            return _confirmation(session, address.pending(session, token), token)
    except InvalidToken as error:
        return late(error, url_for(".renew_address", token=token))


@blueprint.get("/address/<token>/renew")
@public
def back_to_confirmation(token: str) -> ResponseReturnValue:
    """Lead a reader who reloads the page after the button back to the beginning."""
    return redirect(url_for(".ask_confirmation", token=token))


@blueprint.post("/address/<token>/renew")
@public
def renew_address(token: str) -> ResponseReturnValue:
    """Ask once more in the new mailbox."""
    refuse_cross_site()
    with unit_of_work() as session:
        change_id = address.renew(session, token)
        if change_id is not None:
            enqueue(session, ask_new_address, change_id)
    return render_template("web/consent/access_sent.html", brand=None, address="", renewed=True)


@blueprint.post("/address/<token>")
@public
def confirm_address(token: str) -> ResponseReturnValue:
    """Change the address."""
    refuse_cross_site()
    try:
        with unit_of_work() as session:
            language.use(address.pending(session, token).language)
            change = address.confirm(session, token, visit(), _follows())
            if not change.done:
                enqueue(session, tell_former_address, change.id)
    except InvalidToken as error:
        return late(error, url_for(".renew_address", token=token))
    with unit_of_work() as session:
        return _confirmation(session, address.pending(session, token), token)


@blueprint.get("/access/<token>/data")
@public
@behind_link
def all_held(token: str) -> ResponseReturnValue:
    """Show all that is held of the person, and why."""
    with unit_of_work() as session:
        found = holder(session, token)
        held = _sections(session, found.contact.id)
        controller = brands.controller(session)
    return render_template(
        "web/consent/access_data.html", brand=found.brand, token=token, sections=held, controller=controller
    )


@blueprint.get("/access/<token>/data.<any(json, csv, html):kind>")
@public
@behind_link
def download(token: str, kind: str) -> ResponseReturnValue:
    """Hand over all that is held (GDPR 15 and 20), for machines, spreadsheets or people."""
    with unit_of_work() as session:
        found = holder(session, token)
        if kind == "html":
            body = render_template(
                "files/held.html",
                brand=found.brand,
                sections=_sections(session, found.contact.id),
                controller=brands.controller(session),
                now=clock.now(),
            )
        else:
            held = proof.export(session, found.contact.id)
            body = proof.dumps(held) if kind == "json" else words.as_csv(held)
    response = Response(body, content_type=TYPES[kind])
    name = f"my-data-{found.brand.slug}-{clock.now():%Y-%m-%d}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.get("/access/<token>/mails")
@public
@behind_link
def mails(token: str) -> ResponseReturnValue:
    """List the mails that were sent to the person, to be read again."""
    with unit_of_work() as session:
        found = holder(session, token)
        section = proof.export_sections.get("messages")
        kept = section(session, found.contact.id) if section else []
    sign = tokens.message_signer(Purpose.VIEW)
    rows = [
        (row, links.view(sign(row["campaign_id"], found.contact.id)), datetime.fromisoformat(row["sent_at"]))
        for row in (kept if isinstance(kept, list) else [])
        if row["sent_at"]
    ]
    return render_template(
        "web/consent/access_mails.html",
        brand=found.brand,
        token=token,
        mails=rows[::-1],
    )


def _language() -> str:
    locale = get_locale()
    return str(locale.language) if locale else "en"


def _sections(session: Session, contact_id: int) -> list[words.Section]:
    named = {topic.slug: topic.name(_language()) for topic in topics.topics(session, archived=True)}
    called = {brand.id: brand.name for brand in brands.all_brands(session)}
    return words.sections(proof.export(session, contact_id), named, called)


def _address_page(token: str, found: Holder, error: str = "") -> str:
    return render_template(
        "web/consent/access_address.html", brand=found.brand, token=token, person=found.contact, error=error
    )


def _follows() -> str:
    """Return what is agreed to by the button in the new mailbox; the ledger keeps it."""
    return str(
        _(
            "I would like to receive what is listed here at this address from now on. "
            "I can change this at any time with the link in every e-mail."
        )
    )


def _confirmation(session: Session, change: address.Change, token: str) -> str:
    language.use(change.language)
    brand = brands.brand(session, change.brand_id)
    return render_template(
        "web/consent/address_confirm.html", brand=brand, token=token, change=change, wording=_follows()
    )


# No cookie, so no token in the form; views.visits says what stands in its place.
for _view in (save_details, ask_address, confirm_address, renew_address):
    csrf.exempt(_view)
