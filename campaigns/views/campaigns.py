"""Campaigns: the list, basics, audience, and the page that reviews a draft or shows what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.accounts.forms import attach
from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows, current_user
from app.accounts.views.limits import limiter
from app.accounts.views.reading import saw, shows_people
from app.brands.queries import brands, sending
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, UserError
from campaigns.errors import EditConflict
from campaigns.forms.basics import BasicsForm
from campaigns.queries import audience as audiences
from campaigns.queries import campaigns as queries
from campaigns.queries import progress as progresses
from campaigns.queries import segments
from campaigns.queries.campaigns import CampaignInfo
from campaigns.queries.labels import gate_label
from campaigns.queries.waves import waves_of
from campaigns.services import campaigns as service
from campaigns.services import launch, preview
from consent.queries import topics

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")
PAGE = 30


def locale() -> str:
    """Return the language of this page."""
    chosen = get_locale()
    return str(chosen.language) if chosen else "en"


def seen_at(text: str | None) -> datetime | None:
    """Return the moment that a hidden field carries, None when it is blank or damaged."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


@blueprint.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Show campaigns, the newest first."""
    search = request.args.get("q", "")[:120]
    with unit_of_work() as session:
        found = queries.campaigns(session, search=search, before=request.args.get("before", type=int), limit=PAGE + 1)
        shown = found[:PAGE]
        launched = [campaign.id for campaign in shown if campaign.launched_at]
        responses = queries.responses(session, launched)
        names = {topic.id: topic.name(locale()) for topic in topics.topics(session, archived=True)}
    older = url_for(".index", q=search or None, before=shown[-1].id) if len(found) > PAGE else ""
    return render_template(
        "web/campaigns/index.html", campaigns=shown, responses=responses, topics=names, search=search, older=older
    )


# Basics


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.MARKETER)
def new() -> ResponseReturnValue:
    """Begin a campaign."""
    form = BasicsForm()
    with unit_of_work() as session:
        ready = _offer(session, form)
    if not ready:
        return render_template("web/campaigns/not_ready.html")
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work() as session:
                campaign_id = service.draft(session, form.basics())
            return redirect(url_for(".audience", campaign_id=campaign_id))
        except InvalidInput as error:
            attach(form, error)
    return render_template("web/campaigns/basics.html", form=form, campaign=None), 422 if form.errors else 200


@blueprint.route("/<int:campaign_id>/basics", methods=["GET", "POST"])
@allows(Role.MARKETER)
def basics(campaign_id: int) -> ResponseReturnValue:
    """Change what a draft is about."""
    with unit_of_work() as session:
        campaign = queries.campaign(session, campaign_id)
        if not campaign.is_draft:
            return redirect(url_for(".page", campaign_id=campaign_id))
        form = BasicsForm(obj=campaign, seen=campaign.updated_at.isoformat())
        _offer(session, form)
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work() as session:
                service.update(session, campaign_id, form.basics(), seen=seen_at(form.seen.data))
            return redirect(url_for(".audience", campaign_id=campaign_id))
        except InvalidInput as error:
            attach(form, error)
        except EditConflict as error:
            flash(str(error), "warning")
    return render_template("web/campaigns/basics.html", form=form, campaign=campaign), 422 if form.errors else 200


def _offer(session: Session, form: BasicsForm) -> bool:
    """Offer the topics and senders of the chosen brand; False when a campaign cannot be begun for want of them."""
    known = brands.all_brands(session)
    if not known:
        return False
    asked = request.form.get("brand_id", type=int) or request.args.get("brand_id", type=int) or form.brand_id.data
    chosen = asked if asked in {brand.id for brand in known} else known[0].id
    form.brand_id.data = chosen
    offered, senders = topics.topics(session, chosen), sending.senders(session, chosen)
    form.offer(known, offered, senders)
    return any(topics.topics(session, brand.id) and sending.senders(session, brand.id) for brand in known)


# Audience


@blueprint.get("/<int:campaign_id>/audience")
@allows(Role.MARKETER)
def audience(campaign_id: int) -> ResponseReturnValue:
    """Show which segments a draft includes and excludes."""
    with unit_of_work() as session:
        campaign = queries.campaign(session, campaign_id)
        if not campaign.is_draft:
            return redirect(url_for(".page", campaign_id=campaign_id))
        used = queries.audience(session, campaign_id)
        offered = segments.segments(session)
        context = segments.Context.of(session, locale())
        words = {segment.id: segments.describe(segment.definition, context) for segment in offered}
        topic = topics.topic(session, campaign.topic_id).name(locale())
    chosen = {segment.id: "include" for segment in used.include} | {segment.id: "exclude" for segment in used.exclude}
    listed = {segment.id for segment in offered}
    put_away = [segment for segment in (*used.include, *used.exclude) if segment.id not in listed]
    return render_template(
        "web/campaigns/audience.html",
        campaign=campaign,
        offered=[*put_away, *offered],
        words=words,
        chosen=chosen,
        topic=topic,
    )


@blueprint.post("/<int:campaign_id>/audience")
@allows(Role.MARKETER)
def choose_audience(campaign_id: int) -> ResponseReturnValue:
    """Save the segments and go on."""
    include, exclude = _chosen()
    try:
        with unit_of_work() as session:
            service.set_audience(session, campaign_id, include, exclude, seen=seen_at(request.form.get("seen")))
    except EditConflict as error:
        flash(str(error), "warning")
        return redirect(url_for(".audience", campaign_id=campaign_id))
    with unit_of_work() as session:
        asks = queries.campaign(session, campaign_id).asks
    following = "campaign_waves.edit" if asks else "campaign_content.start"
    return redirect(url_for(following, campaign_id=campaign_id))


@blueprint.post("/<int:campaign_id>/audience/count")
@allows(Role.MARKETER)
def count_audience(campaign_id: int) -> ResponseReturnValue:
    """Count who the posted segments would reach, before permission is asked."""
    include, exclude = _chosen()
    found, problem, asks = None, "", False
    try:
        with unit_of_work() as session:
            asks = queries.campaign(session, campaign_id).asks
            if include:
                definitions = [[segments.segment(session, n).definition for n in ids] for ids in (include, exclude)]
                found = segments.look(session, segments.joined(*definitions))
    except UserError as error:
        problem = str(error)
    return render_template("web/campaigns/_audience_count.html", found=found, problem=problem, asks=asks)


def _chosen() -> tuple[list[int], list[int]]:
    """Return the included and the excluded segments of the posted form (``segment-7=include``)."""
    modes: dict[str, list[int]] = {"include": [], "exclude": []}
    for name, value in request.form.items():
        kind, _dash, number = name.partition("-")
        if kind == "segment" and number.isdigit() and value in modes:
            modes[value].append(int(number))
    return modes["include"], modes["exclude"]


# One campaign


@blueprint.get("/<int:campaign_id>")
@allows(Role.VIEWER)
@shows_people(Look.LISTED)
def page(campaign_id: int) -> ResponseReturnValue:
    """Review a draft, or show how a launched campaign fares."""
    with unit_of_work() as session:
        campaign = queries.campaign(session, campaign_id)
        known = _about(session, campaign)
        if not campaign.is_draft:
            known["progress"] = progresses.progress(session, campaign_id)
            return render_template("web/campaigns/page.html", **known)
        known["obstacles"] = launch.check(session, campaign_id)
        # The names of people are not for everybody.
        readers = preview.readers(session, campaign_id) if current_user().role.reaches(Role.ANALYST) else []
        saw([reader.id for reader in readers])
        known["readers"] = readers
    return render_template("web/campaigns/review.html", **known)


def _about(session: Session, campaign: CampaignInfo) -> dict[str, object]:
    senders = sending.senders(session, campaign.brand_id)
    return {
        "campaign": campaign,
        "contents": queries.contents(session, campaign.id),
        "audience": queries.audience(session, campaign.id),
        "brand": brands.brand(session, campaign.brand_id),
        "topic": topics.topic(session, campaign.topic_id).name(locale()),
        "sender": next((sender for sender in senders if sender.id == campaign.sender_id), None),
    }


@blueprint.get("/<int:campaign_id>/recipients")
@allows(Role.MARKETER)
def recipients(campaign_id: int) -> ResponseReturnValue:
    """Return the fragment that says who would get the mail now and who not, with the button that sends it."""
    with unit_of_work() as session:
        campaign = queries.campaign(session, campaign_id)
        obstacles = launch.check(session, campaign_id)
        try:
            found = audiences.preview(session, campaign_id)
        except UserError as error:
            return render_template("web/campaigns/_recipients.html", campaign=campaign, problem=str(error))
        waves = waves_of(session, campaign_id) if campaign.asks else None
    refused = [(gate_label(gate), people) for gate, people in sorted(found.excluded.items(), key=lambda item: -item[1])]
    return render_template(
        "web/campaigns/_recipients.html",
        campaign=campaign,
        found=found,
        refused=refused,
        ready=not obstacles,
        waves=waves,
    )


@blueprint.post("/<int:campaign_id>/test")
@allows(Role.MARKETER)
@limiter.limit("30 per hour", key_func=lambda: f"test mails {current_user().id}")
def test(campaign_id: int) -> ResponseReturnValue:
    """Send a test mail in each language that was ticked."""
    addresses = request.form.get("address", "").replace(";", ",").replace(",", " ").split()
    languages, reader = request.form.getlist("language"), request.form.get("reader", type=int)
    try:
        with unit_of_work() as session:
            sent = sum(preview.request_test(session, campaign_id, code, addresses, reader) for code in languages)
        if not sent:
            raise InvalidInput(_("Tick a language."))
        flash(ngettext("%(num)d test mail is on its way.", "%(num)d test mails are on their way.", sent), "success")
    except UserError as error:
        flash(str(error), "danger")
    return redirect(url_for(".page", campaign_id=campaign_id))


@blueprint.post("/<int:campaign_id>/duplicate")
@allows(Role.MARKETER)
def duplicate(campaign_id: int) -> ResponseReturnValue:
    """Make a draft like this campaign."""
    with unit_of_work() as session:
        copy = service.duplicate(session, campaign_id)
    flash(_("This is the copy. Give it a name of its own."), "success")
    return redirect(url_for(".basics", campaign_id=copy))


@blueprint.post("/<int:campaign_id>/discard")
@allows(Role.MARKETER)
def discard(campaign_id: int) -> ResponseReturnValue:
    """Delete a draft."""
    with unit_of_work() as session:
        service.discard(session, campaign_id)
    flash(_("The draft is deleted."), "success")
    return redirect(url_for(".index"))
