"""Asking for a fresh link to one's own data, and what stands behind it: choices, details, address, erasure.

The link was sent to the mailbox of the address on record, so its holder may see and change what a footer link, which
travels with forwarded mail, may not. The answer to asking is the same for every address.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.views import language
from app.accounts.views.guard import csrf, public
from app.brands.queries import brands
from app.brands.queries.brands import BrandInfo
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, InvalidToken, NotFound
from app.core.jobs import enqueue
from app.core.secrets import seal
from app.customers.policy import normalise
from app.customers.queries.contacts import contact
from consent.policy.standing import Actor
from consent.queries import permissions, topics
from consent.services import access
from consent.services.access import Holder
from consent.services.erase import erase
from consent.services.objections import object_to_marketing
from consent.services.preferences import masked
from consent.services.sign_up import evidence
from consent.services.withdraw import MailContext
from consent.tasks.access import answer_access, tell_erased
from consent.views import preferences
from consent.views.footer_links import FooterLink, follow
from consent.views.visits import keep_language, refuse_cross_site, visit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("self_service", __name__)
blueprint.app_url_defaults(keep_language)
P = ParamSpec("P")


def behind_link(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Offer a fresh link when the one in the path is genuine but late; else say that it is not valid, and no more."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        try:
            return view(*args, **kwargs)
        except InvalidToken as error:
            return late(error, url_for("self_service.renew", token=(request.view_args or {})["token"]))

    return guarded


def late(error: InvalidToken, renew_url: str) -> ResponseReturnValue:
    """Return the page that offers a fresh link; raise ``error`` again when the link was never a good one."""
    if not error.expired:
        raise error
    return render_template("web/consent/access_expired.html", brand=None, renew_url=renew_url), 410


def holder(session: Session, token: str) -> Holder:
    """Return whose link this is, and show the page in their language. Raises ``InvalidToken``."""
    found = access.holder(session, token)
    language.use(found.contact.language or found.brand.language)
    return found


@blueprint.get("/access")
@public
def ask() -> ResponseReturnValue:
    """Ask for the address that the link is to be sent to."""
    with unit_of_work() as session:
        return render_template("web/consent/access_ask.html", brand=_brands(session)[0], error="")


@blueprint.post("/access")
@public
def send() -> ResponseReturnValue:
    """Write the request down, let a job decide about the mail, and say the same to everybody."""
    refuse_cross_site()
    with unit_of_work() as session:
        brand, sender = _brands(session)
        try:
            address = normalise(request.form.get("email", "")[:320])
        except InvalidInput as error:
            return render_template("web/consent/access_ask.html", brand=brand, error=str(error)), 422
        _request(session, address.address_key, sender.id)
    return render_template("web/consent/access_sent.html", brand=brand, address="")


@blueprint.get("/preferences/<token>/access")
@public
def back(token: str) -> ResponseReturnValue:
    """Lead a reader who reloads the page after the button back to the beginning."""
    return redirect(url_for("preferences.show", token=token))


@blueprint.post("/preferences/<token>/access")
@public
def send_from_footer(token: str) -> ResponseReturnValue:
    """Send the link to the mailbox on record of the person that a footer link names."""
    refuse_cross_site()
    with unit_of_work() as session:
        link = follow(session, token)
        person = contact(session, link.contact_id)
        if person.address_key is None:
            raise InvalidToken()
        _request(session, person.address_key, link.brand.id, by_link=True)
    return render_template("web/consent/access_sent.html", brand=link.brand, address=masked(person.email))


@blueprint.get("/access/<token>/renew")
@public
def back_to_link(token: str) -> ResponseReturnValue:
    """Lead a reader who reloads the page after the button back to the beginning."""
    return redirect(url_for(".home", token=token))


@blueprint.post("/access/<token>/renew")
@public
def renew(token: str) -> ResponseReturnValue:
    """Send a fresh link to the mailbox that an expired one went to."""
    refuse_cross_site()
    with unit_of_work() as session:
        late = access.holder(session, token, late=True)
        assert late.contact.address_key is not None
        _request(session, late.contact.address_key, late.brand.id, by_link=True)
    return render_template("web/consent/access_sent.html", brand=late.brand, address=masked(late.contact.email))


@blueprint.get("/access/<token>")
@public
@behind_link
def home(token: str) -> ResponseReturnValue:
    """Show what can be done here."""
    with unit_of_work() as session:
        found = holder(session, token)
        known = permissions.of_contact(session, found.contact.id)
        involved = {topic.brand_id for topic in topics.topics(session, archived=True) if topic.id in known}
        return render_template(
            "web/consent/access_home.html",
            brand=found.brand,
            token=token,
            person=found.contact,
            brands=[one for one in brands.all_brands(session) if one.id in involved | {found.brand.id}],
        )


@blueprint.get("/access/<token>/preferences/<slug>")
@public
@behind_link
def choose(token: str, slug: str) -> ResponseReturnValue:
    """Show the choices for one brand."""
    with unit_of_work() as session:
        return preferences.choices(session, _link(session, token, slug), access_token=token)


@blueprint.post("/access/<token>/preferences/<slug>")
@public
@behind_link
def change(token: str, slug: str) -> ResponseReturnValue:
    """Write what was changed."""
    refuse_cross_site()
    try:
        with unit_of_work() as session:
            preferences.apply(session, _link(session, token, slug))
    except InvalidInput as error:
        with unit_of_work() as session:
            page = preferences.choices(session, _link(session, token, slug), access_token=token, error=str(error))
        return page, error.status
    return preferences.saved()


@blueprint.get("/access/<token>/object")
@public
@behind_link
def ask_objection(token: str) -> ResponseReturnValue:
    """Say what an objection does."""
    with unit_of_work() as session:
        found = holder(session, token)
    return render_template("web/consent/access_object.html", brand=found.brand, token=token, person=found.contact)


@blueprint.post("/access/<token>/object")
@public
@behind_link
def objected(token: str) -> ResponseReturnValue:
    """Record an objection to all marketing."""
    refuse_cross_site()
    with unit_of_work() as session:
        found = holder(session, token)
        came = visit()
        proof = evidence("", came.ip, came.user_agent, came.page)
        object_to_marketing(session, found.contact.id, actor=Actor.SUBSCRIBER, evidence=proof)
    return redirect(url_for(".ask_objection", token=token), 303)


@blueprint.get("/access/<token>/erase")
@public
@behind_link
def ask_erasure(token: str) -> ResponseReturnValue:
    """Say what erasing does, and ask whether that is meant."""
    with unit_of_work() as session:
        found = holder(session, token)
    return render_template("web/consent/access_erase.html", brand=found.brand, token=token, error=False)


@blueprint.post("/access/<token>/erase")
@public
@behind_link
def erase_me(token: str) -> ResponseReturnValue:
    """Erase the person at once, and say so by a last mail."""
    refuse_cross_site()
    with unit_of_work() as session:
        found = holder(session, token)
        if request.form.get("sure") != "yes":
            return render_template("web/consent/access_erase.html", brand=found.brand, token=token, error=True), 422
        assert found.contact.email is not None
        sealed = seal(found.contact.email.encode()).decode()
        said_in = found.contact.language or found.brand.language
        erase(session, found.contact.id, actor=Actor.SUBSCRIBER)
        enqueue(session, tell_erased, sealed, said_in, found.brand.id, clock.now().isoformat())
    return render_template("web/consent/access_erased.html", brand=found.brand, address=masked(found.contact.email))


def _brands(session: Session) -> tuple[BrandInfo | None, BrandInfo]:
    """Return the brand in whose look to ask, None where several are and none is named, and the one to write unless the
    person knows another (``access.answer``). Raises ``NotFound`` before there is one."""
    every = brands.all_brands(session)
    if not every:
        raise NotFound(_("Nobody is written to from here yet."))
    named = next((one for one in every if one.slug == request.args.get("brand")), None)
    return named or (every[0] if len(every) == 1 else None), named or every[0]


def _request(session: Session, address_key: bytes, brand_id: int, *, by_link: bool = False) -> None:
    request_id = access.request(session, address_key, brand_id, language.select(), request.remote_addr)
    if request_id is not None:
        enqueue(session, answer_access, request_id, int(by_link))


def _link(session: Session, token: str, slug: str) -> FooterLink:
    """Return a fresh link as the preference page reads footer links."""
    found = holder(session, token)
    person = found.contact
    brand = brands.by_slug(session, slug)
    mail = MailContext(brand.id, 0, language.select(), "", person.address_key)
    return FooterLink(None, person.id, mail, brand)


# No cookie, so no token in the form; views.visits says what stands in its place.
for _view in (send, send_from_footer, renew, change, objected, erase_me):
    csrf.exempt(_view)
