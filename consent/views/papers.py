"""Lists that people signed on paper: bring one in, see what became of it, and its scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.services import audit
from app.accounts.views.guard import allows, current_user
from app.accounts.views.reading import saw, shows_people
from app.brands.queries import brands
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, NotFound
from app.core.jobs import enqueue
from consent.engine import scans
from consent.forms.paper import PaperForm
from consent.policy import paper as policy
from consent.policy.profiles import profile
from consent.queries import forms, paper, topics
from consent.queries.forms import FormInfo
from consent.services import paper as service
from consent.services import scans as service_scans
from consent.tasks.confirmation import answer_sign_up

if TYPE_CHECKING:
    from consent.policy.paper import Person, Unread
    from consent.services.paper import Recorded

blueprint = Blueprint("papers", __name__, url_prefix="/forms/paper")
LARGEST_TABLE = 1_000_000  # bytes


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """List the lists."""
    with unit_of_work() as session:
        rows = paper.paper_lists(session)
        offered = [form for form in forms.forms(session) if form.active]
    return render_template("web/consent/papers.html", rows=rows, forms=offered)


@blueprint.get("/<int:list_id>")
@allows(Role.ANALYST)
def page(list_id: int) -> ResponseReturnValue:
    """Show one list, without the people on it: they are found by its number in their proofs."""
    with unit_of_work() as session:
        row = paper.paper_list(session, list_id)
        named = {topic.id: topic for topic in topics.topics(session, archived=True)}
        progress = paper.progress(session, list_id)
    about = [named[key].name(_language()) for key in row.topic_ids]
    return render_template("web/consent/paper.html", row=row, topics=about, progress=progress)


@blueprint.post("/<int:list_id>/send")
@allows(Role.MARKETER)
def send(list_id: int) -> ResponseReturnValue:
    """Try again to send the confirmation mails that the caps on mails kept back."""
    with unit_of_work() as session:
        for sign_up_id in paper.progress(session, list_id).open:
            enqueue(session, answer_sign_up, sign_up_id)
    flash(_("What the limits allow by now is being sent."), "success")
    return redirect(url_for(".page", list_id=list_id))


@blueprint.get("/<int:list_id>/scan")
@allows(Role.ANALYST)
@shows_people(Look.EXPORTED)
def scan(list_id: int) -> Response:
    """Download the scan: as a file, never as a page of ours, whatever is in it."""
    with unit_of_work() as session:
        row = paper.paper_list(session, list_id)
    saw(people=row.taken, subject="paper", subject_id=list_id)
    if not row.kept_sha256:
        raise NotFound(_("The scan of this list was deleted."))
    answer = make_response(scans.load(row.kept_sha256))
    answer.mimetype = row.scan_type
    answer.headers["Content-Disposition"] = f'attachment; filename="paper-{row.id}.{policy.TYPES[row.scan_type]}"'
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@blueprint.post("/<int:list_id>/scan")
@allows(Role.ADMINISTRATOR)
def cover(list_id: int) -> ResponseReturnValue:
    """Put a scan on which lines are covered in the place of the one that is kept."""
    given = request.files.get("scan")
    try:
        kept = scans.keep(given.read(policy.LARGEST + 1) if given else b"")
        with unit_of_work() as session:
            before = service_scans.replace(
                session, list_id, sha256=kept.sha256, media_type=kept.media_type, size=kept.size
            )
            audit.record(session, "covered the scan of", "paper list", list_id)
    except InvalidInput as error:
        flash(str(error), "danger")
    else:
        _drop(before)
        flash(_("The covered scan is kept, and the one before is deleted. Cover the paper itself, too."), "success")
    return redirect(url_for(".page", list_id=list_id))


@blueprint.post("/<int:list_id>/scan/delete")
@allows(Role.ADMINISTRATOR)
def delete_scan(list_id: int) -> ResponseReturnValue:
    """Delete the scan: nobody's signature on it can be shown any more."""
    with unit_of_work() as session:
        before = service_scans.delete(session, list_id)
        audit.record(session, "deleted the scan of", "paper list", list_id)
    _drop(before)
    flash(_("The scan is deleted."), "success")
    return redirect(url_for(".page", list_id=list_id))


def _drop(sha256: str) -> None:
    """Delete a document that no list keeps any more; only now, for what was not committed must not be lost."""
    with unit_of_work() as session:
        if not sha256 or paper.is_kept(session, sha256):
            return
    scans.drop(sha256)


@blueprint.route("/new/<int:form_id>", methods=["GET", "POST"])
@allows(Role.MARKETER)
@shows_people(Look.IMPORTED)
def new(form_id: int) -> ResponseReturnValue:
    """Bring a list in for a form."""
    with unit_of_work() as session:
        known = forms.form(session, form_id)
        brand = brands.brand(session, known.brand_id)
        offered = [topic for topic in topics.topics(session, known.brand_id) if topic.id in known.topic_ids]
    strict = "consent@opt_in" not in profile(brand.profile).defaults
    data = {
        "topic_ids": [topic.id for topic in offered] if len(offered) == 1 else [],
        "signed_on": clock.now().date(),
        "language": brand.language,
        "words": known.text("consent", brand.language),
        "confirms": strict,
    }
    form = PaperForm(data=data)
    form.topic_ids.choices = [(topic.id, topic.name(_language())) for topic in offered]
    done: Recorded | None = None
    unread: list[Unread] = []
    if form.validate_on_submit():
        try:
            people, unread = policy.read(_lines(form))
            done = _record(form, known, people)
        except InvalidInput as error:
            field = {one.name: one for one in form}.get(error.field or "people", form.people)
            field.errors = [*field.errors, str(error)]
    left_out = [*unread, *(done.refused if done else ())]
    if left_out:
        saw(people=len(left_out))
    if done and not left_out:
        return redirect(url_for(".page", list_id=done.id))
    answer = render_template(
        "web/consent/paper_new.html", form=form, known=known, brand=brand, strict=strict, done=done, left_out=left_out
    )
    return answer, 422 if form.errors else 200


def _language() -> str:
    locale = get_locale()
    return str(locale.language) if locale else "en"


def _lines(form: PaperForm) -> str:
    """Return the lines that were typed, and those of the file."""
    typed = form.people.data or ""
    table = request.files.get("table")
    content = table.read(LARGEST_TABLE + 1) if table else b""
    if len(content) > LARGEST_TABLE:
        raise InvalidInput(_("The file is too large for a list of people."), field="table")
    try:
        return f"{content.decode('utf-8-sig')}\n{typed}".strip("\n")
    except UnicodeDecodeError:
        raise InvalidInput(_("The file is no text in UTF-8: save it as CSV UTF-8."), field="table") from None


def _record(form: PaperForm, known: FormInfo, people: list[Person]) -> Recorded:
    kept = scans.keep(form.scan.data.read(policy.LARGEST + 1))
    sheet = service.Sheet(
        form_id=known.id,
        topic_ids=tuple(form.topic_ids.data),
        language=form.language.data,
        words=form.words.data,
        signed_on=form.signed_on.data,
        place=form.place.data,
        confirms=form.confirms.data,
        scan_sha256=kept.sha256,
        scan_type=kept.media_type,
        scan_size=kept.size,
        staff_id=current_user().id,
    )
    with unit_of_work() as session:
        done = service.record(session, sheet, people)
        for sign_up_id in done.sign_up_ids:
            enqueue(session, answer_sign_up, sign_up_id)
        audit.record(session, "brought in", "paper list", done.id, brand_id=known.brand_id)
    text = ngettext("%(num)s person was taken from the list.", "%(num)s people were taken from the list.", done.taken)
    flash(text, "success")
    return done
