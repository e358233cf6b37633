"""Settings: From identities, the DNS records of their domains, and the relay."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.forms import attach
from app.accounts.policy import Role
from app.accounts.services import audit
from app.accounts.views.guard import allows
from app.brands.forms import RelayForm, SenderForm
from app.brands.queries import brands as queries
from app.brands.queries import sending
from app.brands.services import set_up
from app.core.db import unit_of_work
from app.core.errors import InvalidInput

blueprint = Blueprint("senders", __name__, url_prefix="/settings/senders")


@dataclass(frozen=True)
class DnsRecord:
    """A record that the owner of a domain must publish."""

    purpose: str
    name: str
    kind: str
    value: str


@blueprint.get("")
@allows(Role.ADMINISTRATOR)
def index() -> ResponseReturnValue:
    """Show senders and domains."""
    return _page(_form(formdata=None))


@blueprint.post("")
@allows(Role.ADMINISTRATOR)
def create() -> ResponseReturnValue:
    """Add a sender; a new domain gets its signing key."""
    form = _form()
    if form.validate():
        try:
            with unit_of_work() as session:
                sender_id = set_up.create_sender(
                    session,
                    form.brand.data,
                    name=form.name.data,
                    email=form.email.data,
                    reply_to=form.reply_to.data or "",
                )
                audit.record(session, "created", "sender", sender_id, brand_id=form.brand.data)
        except InvalidInput as error:
            attach(form, error)
        else:
            flash(_("The sender is there. Publish its domain's DNS records before you send."), "success")
            return redirect(url_for(".index"))
    return _page(form), 422


@blueprint.post("/relays/<int:relay_id>")
@allows(Role.ADMINISTRATOR)
def describe_relay(relay_id: int) -> ResponseReturnValue:
    """Say who runs a relay and where, for the register of processing."""
    form = RelayForm(prefix=f"relay-{relay_id}")
    if form.validate():
        with unit_of_work() as session:
            set_up.describe_relay(session, relay_id, operator=form.operator.data or "", country=form.country.data or "")
            audit.record(session, "described", "relay", relay_id)
        flash(_("Saved."), "success")
    else:
        flash(" ".join(text for texts in form.errors.values() for text in texts), "danger")
    return redirect(url_for(".index"))


def _relay_form(relay: sending.RelayFacts) -> RelayForm:
    # Each relay has a form of its own, so their fields need names apart.
    return RelayForm(formdata=None, obj=relay, prefix=f"relay-{relay.id}")


def _form(**given: None) -> SenderForm:
    form = SenderForm(**given)
    with unit_of_work() as session:
        form.brand.choices = [(brand.id, brand.name) for brand in queries.all_brands(session)]
    return form


def _page(form: SenderForm) -> str:
    with unit_of_work() as session:
        names = {brand.id: brand.name for brand in queries.all_brands(session)}
        senders = sending.senders(session)
        domains = [(domain, _records(domain)) for domain in sending.domains(session)]
        relays = [(relay, _relay_form(relay)) for relay in sending.relays(session)]
    return render_template(
        "web/brands/senders.html",
        form=form,
        names=names,
        senders=senders,
        domains=domains,
        relays=relays,
    )


def _records(domain: sending.DomainInfo) -> list[DnsRecord]:
    """DKIM (RFC 6376, 3.6.2.1), SPF of the return path (RFC 7208), DMARC (RFC 7489)."""
    return [
        DnsRecord(_("DKIM: signs your mail"), f"{domain.selector}._domainkey.{domain.name}", "TXT", domain.dkim_record),
        DnsRecord(
            _("SPF: who may send for the return path; put your relay's addresses in"),
            domain.return_path,
            "TXT",
            "v=spf1 mx -all",
        ),
        DnsRecord(_("DMARC: what to do with forgeries"), f"_dmarc.{domain.name}", "TXT", "v=DMARC1; p=none"),
    ]
