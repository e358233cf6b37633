"""What a campaign says: subject and design in each language, saved as one types, previewed from a URL of its own."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, NotFound, UserError
from app.customers.queries.fields import dictionary
from app.mail.templates import LANGUAGES, starters
from campaigns.errors import EditConflict
from campaigns.queries import campaigns as queries
from campaigns.queries.campaigns import CampaignInfo, ContentInfo
from campaigns.services import campaigns as service
from campaigns.services import preview
from campaigns.services.campaigns import ContentText
from campaigns.services.compose import CONTACT_FIELDS
from campaigns.services.preview import Problem
from campaigns.views.campaigns import locale, seen_at

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("campaign_content", __name__, url_prefix="/campaigns/<int:campaign_id>/content")
NAMES = {"en": "English", "fr": "Français"}

# A mail in its frame: its own styles and pictures, and nothing that acts.
MAIL_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; font-src https: data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups"
)


@blueprint.get("")
@allows(Role.MARKETER)
def start(campaign_id: int) -> ResponseReturnValue:
    """Lead to the first language that has content, or to the reader's own."""
    with unit_of_work() as session:
        contents = queries.contents(session, campaign_id)
    language = contents[0].language if contents else locale()
    return redirect(url_for(".edit", campaign_id=campaign_id, language=language))


@blueprint.get("/<language>")
@allows(Role.MARKETER)
@shows_people(Look.LISTED)
def edit(campaign_id: int, language: str) -> ResponseReturnValue:
    """Show the editor, or starter designs while nothing is said in this language."""
    with unit_of_work() as session:
        campaign = _campaign(session, campaign_id, language)
        if not campaign.is_draft:
            return redirect(url_for("campaigns.page", campaign_id=campaign_id))
        contents = {content.language: content for content in queries.contents(session, campaign_id)}
        known = {"campaign": campaign, "language_code": language, "contents": contents, "names": NAMES}
        if language not in contents:
            return render_template(
                "web/campaigns/starters.html", starters=starters(language, asking=campaign.asks), **known
            )
        content = contents[language]
        state = _state(session, campaign_id, language, content)
        readers = preview.readers(session, campaign_id)
        saw([reader.id for reader in readers])
        palette = _palette(session)
    return render_template(
        "web/campaigns/content.html", content=content, readers=readers, palette=palette, **known, **state
    )


@blueprint.post("/<language>/begin")
@allows(Role.MARKETER)
def begin(campaign_id: int, language: str) -> ResponseReturnValue:
    """Begin a language with a starter design, another language's content, or nothing."""
    starter, other = request.form.get("starter", ""), request.form.get("copy", "")
    with unit_of_work() as session:
        asking = _campaign(session, campaign_id, language).asks
        designs = {design.slug: design.mjml for design in starters(language, asking=asking)}
        content = ContentText(mjml=designs.get(starter, ""))
        if other and (source := queries.content(session, campaign_id, other)):
            content = _text(source)
        if queries.content(session, campaign_id, language) is None:
            service.set_content(session, campaign_id, language, content)
    return redirect(url_for(".edit", campaign_id=campaign_id, language=language))


@blueprint.post("/<language>/save")
@allows(Role.MARKETER)
def save(campaign_id: int, language: str) -> ResponseReturnValue:
    """Save what was typed and return its state: saved when, which problems, how the inbox shows it.

    The page sends its button's ``then`` by htmx too, behind a save under way: else it would know an old state, and
    the writer conflict with themselves.
    """
    content, by_script = _posted(), "HX-Request" in request.headers
    try:
        with unit_of_work() as session:
            seen = seen_at(request.form.get("seen"))
            service.set_content(session, campaign_id, language, content, seen=seen)
            stored = queries.content(session, campaign_id, language)
            assert stored is not None
            state = _state(session, campaign_id, language, stored)
            campaign = queries.campaign(session, campaign_id)
    except EditConflict as error:
        if not by_script:
            raise
        return _fragment(campaign_id, language, conflict=error.at), error.status
    except InvalidInput as error:
        if not by_script:
            raise
        return _fragment(campaign_id, language, refused=str(error)), error.status
    review = url_for("campaigns.page", campaign_id=campaign_id)
    if not by_script:
        return redirect(review)
    if request.form.get("then") == "review":
        return Response(headers={"HX-Redirect": review})
    answer = make_response(
        render_template("web/campaigns/_state.html", campaign=campaign, language_code=language, saved=True, **state)
    )
    answer.headers["HX-Trigger-After-Settle"] = json.dumps({"content-saved": {"ok": state["compiles"]}})
    return answer


@blueprint.post("/<language>/problems")
@allows(Role.MARKETER)
def problems(campaign_id: int, language: str) -> ResponseReturnValue:
    """Return what is wrong with a design, for the code editor's margin."""
    with unit_of_work() as session:
        _campaign(session, campaign_id, language)
        found = preview.problems(session, campaign_id, language, ContentText("-", "", request.form.get("mjml", "")))
    return {"problems": [asdict(problem) | {"severity": problem.severity} for problem in found]}


@blueprint.get("/<language>/preview")
@allows(Role.ANALYST)
@shows_people(Look.PREVIEWED)
def show(campaign_id: int, language: str) -> ResponseReturnValue:
    """Return the stored mail as the contact ``as`` would see it; ``part=text`` for its plain text."""
    try:
        with unit_of_work() as session:
            stored = queries.content(session, campaign_id, language)
            if stored is None:
                raise NotFound(_("The campaign has no content in this language."))
            reader = request.args.get("as", type=int)
            seen = preview.preview(session, campaign_id, language, _text(stored), reader)
            if reader:
                saw([reader], subject="campaign", subject_id=campaign_id)
    except UserError as error:
        return _framed(render_template("web/campaigns/no_preview.html", problem=str(error)))
    if request.args.get("part") == "text":
        return _framed(seen.text, "text/plain; charset=utf-8")
    return _framed(seen.html)


@blueprint.get("/<language>/starters/<slug>")
@allows(Role.MARKETER)
def starter(campaign_id: int, language: str, slug: str) -> ResponseReturnValue:
    """Return a starter design, as it looks for the campaign's brand."""
    with unit_of_work() as session:
        asking = _campaign(session, campaign_id, language).asks
        design = next((design for design in starters(language, asking=asking) if design.slug == slug), None)
        if design is None:
            raise NotFound(_("No starter design is called “%(slug)s”.", slug=slug))
        seen = preview.preview(session, campaign_id, language, ContentText("-", "", design.mjml))
    return _framed(seen.html)


@blueprint.post("/<language>/remove")
@allows(Role.MARKETER)
def remove(campaign_id: int, language: str) -> ResponseReturnValue:
    """Take a language out."""
    with unit_of_work() as session:
        service.remove_content(session, campaign_id, language)
    flash(_("The language is taken out."), "success")
    return redirect(url_for(".start", campaign_id=campaign_id))


def _campaign(session: Session, campaign_id: int, language: str) -> CampaignInfo:
    if language not in LANGUAGES:
        raise NotFound(_("Mails are not written in this language here."))
    return queries.campaign(session, campaign_id)


def _posted() -> ContentText:
    return ContentText(request.form.get("subject", ""), request.form.get("preheader", ""), request.form.get("mjml", ""))


def _text(content: ContentInfo) -> ContentText:
    return ContentText(content.subject, content.preheader, content.mjml)


def _state(session: Session, campaign_id: int, language: str, content: ContentInfo) -> dict[str, object]:
    """Return what the state of a stored content shows."""
    found: list[Problem] = preview.problems(session, campaign_id, language, _text(content))
    compiles = not any(problem.error for problem in found)
    subject = ""
    if compiles:
        reader = request.values.get("reader", type=int)
        subject = preview.preview(session, campaign_id, language, _text(content), reader).subject
    return {
        "seen": content.updated_at.isoformat(),
        "saved_at": content.updated_at,
        "problems": found,
        "compiles": compiles,
        "inbox_subject": subject,
        "inbox_preheader": content.preheader,
    }


def _fragment(campaign_id: int, language: str, **what: object) -> str:
    """Return the state of a content that was not saved; it keeps the moment that the writer has seen."""
    with unit_of_work() as session:
        campaign = queries.campaign(session, campaign_id)
    return render_template(
        "web/campaigns/_state.html",
        campaign=campaign,
        language_code=language,
        seen=request.form.get("seen", ""),
        problems=[],
        compiles=False,
        **what,
    )


def _palette(session: Session) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the merge fields by group, each as its dotted name and what it is."""
    core = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "email": _("E-mail address"),
        "language": _("Language"),
        "country": _("Country"),
        "time_zone": _("Time zone"),
    }
    contact = [(f"contact.{name}", core.get(name, name)) for name in core if name in CONTACT_FIELDS]
    declared = [(f"contact.{field.name}", field.label(locale())) for field in dictionary(session)]
    return [
        (_("Reader"), contact + declared),
        (_("Brand"), [("brand.name", _("Name")), ("brand.website", _("Website")), ("brand.colour", _("Colour"))]),
        (
            _("Footer"),
            [
                ("unsubscribe_url", _("Link to unsubscribe")),
                ("preferences_url", _("Link to the preferences")),
                ("view_url", _("Link to the web version")),
                ("stay_url", _("Button of a re-permission mail")),
                ("postal_address", _("Postal address")),
                ("why", _("Why they get this mail")),
                ("campaign.name", _("Name of the campaign")),
                ("answer_days", _("Days to answer a re-permission mail")),
            ],
        ),
    ]


def _framed(body: str, mimetype: str = "text/html; charset=utf-8") -> Response:
    answer = make_response(body)
    answer.headers["Content-Type"] = mimetype
    answer.headers["Content-Security-Policy"] = MAIL_POLICY
    return answer
