"""Segments: list, builder with live count, JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from app.accounts.policy import Look, Role
from app.accounts.views.guard import allows
from app.accounts.views.reading import saw, shows_people
from app.core import clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput, UserError
from campaigns.queries import segments as queries
from campaigns.queries.segments import Context, builder
from campaigns.services import segments as service

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("segments", __name__, url_prefix="/segments")
EVERYBODY: dict[str, Any] = {"all": []}


@blueprint.get("")
@allows(Role.ANALYST)
def index() -> ResponseReturnValue:
    """Show all segments, each in words."""
    archived = "archived" in request.args
    with unit_of_work() as session:
        context = _context(session)
        lines = [
            (segment, queries.describe(segment.definition, context))
            for segment in queries.segments(session, archived=archived)
        ]
    return render_template("web/segments/index.html", lines=lines, archived=archived)


@blueprint.get("/new")
@allows(Role.ANALYST)
def new() -> ResponseReturnValue:
    """Show an empty builder, a copy of the segment ``like``, or the people on ``list``."""
    like, people_list = request.args.get("like", type=int), request.args.get("list", type=int)
    first = {"list": people_list, "op": "in"} if people_list else builder.BLANK
    with unit_of_work() as session:
        definition = queries.segment(session, like).definition if like else {"all": [dict(first)]}
    return _page(definition)


@blueprint.get("/<int:segment_id>")
@allows(Role.ANALYST)
def page(segment_id: int) -> ResponseReturnValue:
    """Show a segment in the builder."""
    with unit_of_work() as session:
        segment = queries.segment(session, segment_id)
        history = queries.history(session, segment_id)
    seen = segment.updated_at.isoformat()
    return _page(segment.definition, segment=segment, name=segment.name, seen=seen, history=history)


@blueprint.post("/new")
@allows(Role.MARKETER)
def create() -> ResponseReturnValue:
    """Save a new segment."""
    return _save(None)


@blueprint.post("/<int:segment_id>")
@allows(Role.MARKETER)
def update(segment_id: int) -> ResponseReturnValue:
    """Save a changed segment."""
    return _save(segment_id)


@blueprint.post("/<int:segment_id>/archive")
@allows(Role.MARKETER)
def archive(segment_id: int) -> ResponseReturnValue:
    """Put a segment away, or take it back."""
    archived = request.form.get("archived") == "1"
    with unit_of_work() as session:
        service.archive(session, segment_id, archived=archived)
    flash(_("The segment is put away.") if archived else _("The segment is back."), "success")
    return redirect(url_for(".index"))


@blueprint.post("/builder")
@allows(Role.ANALYST)
def rebuild() -> ResponseReturnValue:
    """Return the builder after a button was pressed or a condition changed its shape."""
    action, focus = request.form.get("action", ""), ""
    as_json = action == "json"
    problem = ""
    with unit_of_work() as session:
        try:
            definition = _posted(session)
        except InvalidInput as error:
            definition, as_json, problem = None, True, str(error)
        if isinstance(definition, dict):
            definition, focus = builder.act(definition, action)
        shown = _shown(session, definition, as_json=as_json, focus=focus)
    if problem:
        shown |= {"text": request.form.get("definition", ""), "problem": problem}
    answer = make_response(render_template("web/segments/_builder.html", **shown))
    answer.headers["HX-Trigger-After-Settle"] = "segment-changed"
    return answer


@blueprint.post("/count")
@allows(Role.ANALYST)
@shows_people(Look.LISTED)
def count() -> ResponseReturnValue:
    """Return how many people the posted conditions find, and some of them."""
    try:
        with unit_of_work() as session:
            found = queries.look(session, _posted(session), segment_id=_segment_id())
            saw([person.id for person in found.people])
    except UserError as error:
        unfinished = any("/" in name and not value.strip() for name, value in request.form.items())
        said = _("Fill in what is still empty; then the people are counted.") if unfinished else str(error)
        return render_template("web/segments/_count.html", problem=said)
    return render_template("web/segments/_count.html", found=found)


@blueprint.post("/explain")
@allows(Role.ANALYST)
def explain() -> ResponseReturnValue:
    """Return what each condition does to the posted segment, and which excludes most."""
    try:
        with unit_of_work() as session, queries.bounded(session):
            found = queries.explain(session, _posted(session), _context(session))
    except UserError as error:
        return render_template("web/segments/_explained.html", problem=str(error))
    return render_template("web/segments/_explained.html", found=found)


@blueprint.post("/overlap")
@allows(Role.ANALYST)
def overlap() -> ResponseReturnValue:
    """Return how many people the posted segment shares with others."""
    try:
        with unit_of_work() as session, queries.bounded(session):
            context = _context(session)
            others = [o for o in context.segments.values() if not o.archived and o.id not in context.opened.trail]
            people, shared = queries.overlaps(session, _posted(session), context, others)
    except UserError as error:
        return render_template("web/segments/_overlap.html", problem=str(error))
    return render_template(
        "web/segments/_overlap.html", people=people, shared=shared, left_out=len(others) - len(shared)
    )


def _save(segment_id: int | None) -> ResponseReturnValue:
    name, seen = request.form.get("name", ""), request.form.get("seen", "")
    definition: object = EVERYBODY
    try:
        with unit_of_work() as session:
            definition = _posted(session)
            if not isinstance(definition, dict):
                raise InvalidInput(_("A segment is a JSON object."))
            if segment_id is None:
                segment_id = service.create(session, name, definition)
            else:
                moment = datetime.fromisoformat(seen) if seen else None
                service.update(session, segment_id, name, definition, seen=moment)
    except UserError as error:
        return _refused(error, definition, segment_id, name, seen)
    flash(_("The segment “%(name)s” is saved.", name=name.strip()), "success")
    return redirect(url_for(".index"))


def _refused(error: UserError, definition: object, segment_id: int | None, name: str, seen: str) -> ResponseReturnValue:
    """Show the page as it was posted, with what is wrong."""
    segment = None
    if segment_id is not None:
        with unit_of_work() as session:
            segment = queries.segment(session, segment_id)
    return _page(definition, segment=segment, name=name, seen=seen, problem=str(error)), error.status


def _posted(session: Session) -> object:
    """Return the definition that was posted, as JSON or as the builder's fields."""
    if "definition" in request.form:
        return _json(request.form["definition"])
    return builder.read(request.form, _context(session))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            _(
                "This is not JSON: line %(line)d, column %(column)d: %(problem)s.",
                line=error.lineno,
                column=error.colno,
                problem=error.msg,
            )
        ) from None
    except RecursionError:
        raise InvalidInput(_("The conditions are nested too deeply.")) from None


def _page(
    definition: object,
    *,
    segment: queries.SegmentInfo | None = None,
    name: str = "",
    seen: str = "",
    problem: str = "",
    history: Sequence[queries.Counted] = (),
) -> str:
    with unit_of_work() as session:
        shown = _shown(session, definition, as_json="definition" in request.form, segment=segment)
    return render_template(
        "web/segments/edit.html",
        segment=segment,
        name=name,
        seen=seen,
        refused=problem,
        course=_course(history),
        taken_on=clock.now(),
        **shown,
    )


def _course(history: Sequence[queries.Counted]) -> dict[str, object]:
    """Return the chart of a segment's counts: the last of each day."""
    days = {counted.at.date().isoformat(): counted.people for counted in history}
    return {"kind": "line", "x": list(days), "series": [{"name": _("People"), "data": list(days.values())}]}


def _shown(
    session: Session,
    definition: object,
    *,
    as_json: bool = False,
    focus: str = "",
    segment: queries.SegmentInfo | None = None,
) -> dict[str, object]:
    """Return what the builder's template needs."""
    context = _context(session, segment.id if segment else None)
    if as_json or not isinstance(definition, Mapping):
        return {"text": json.dumps(definition, ensure_ascii=False, indent=2), "tree": None, "focus": focus}
    return {"tree": builder.draw(definition, context), "menu": builder.menu(context), "focus": focus}


def _context(session: Session, segment_id: int | None = None) -> Context:
    locale = get_locale()
    return Context.of(session, locale.language if locale else "en", segment_id=segment_id or _segment_id())


def _segment_id() -> int | None:
    """Return which stored segment a posted builder shows."""
    return request.form.get("segment", type=int)
